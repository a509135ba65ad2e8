import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { type AnswerLine, maxQueryLineBytes, type QueryLine } from '../../../core/query-lines.ts'
import { LineReader } from '../../../util/line-reader.ts'
import { maxAnswerBytes, tooLarge } from '../wire.ts'
import type { AnswerOptions, Connection } from './connection.ts'
import { PendingAnswer } from './pending-answer.ts'

/** What a stream of lines goes over. */
export interface Carrier {
  /** It is about to end. */
  readonly closed: boolean
  unref(): void
  destroy(): void
}

/** A line for each query: see `core/query-lines`. */
export class LineConnection implements Connection {
  onChange: () => void = () => {}
  readonly maxQueries: number
  readonly #stream: Duplex
  readonly #carrier: Carrier
  readonly #waiting = new Map<number, LineAnswer<unknown>>()
  readonly #reader = new LineReader({
    maxLineBytes: maxQueryLineBytes,
    onLine: (line) => this.#onLine(line),
    onBody: (body) => this.#onBody(body),
  })
  #lastId = 0
  /** Whose body comes. */
  #answered: AnswerLine | null = null
  #onSign: () => void = () => {}
  #failure: Error | null = null

  constructor(stream: Duplex, carrier: Carrier, maxQueries: number) {
    this.#stream = stream
    this.#carrier = carrier
    this.maxQueries = maxQueries
    carrier.unref()
    stream.on('data', (chunk: Buffer) => this.#read(chunk))
    stream.on('error', (error: Error) => (this.#failure ??= error))
    stream.on('end', () => this.destroy())
    stream.on('close', () => this.#onClose())
  }

  get isOpen(): boolean {
    return !this.#stream.destroyed
  }

  get takesQueries(): boolean {
    return this.isOpen && !this.#carrier.closed
  }

  ask<Taken>(path: string, options: AnswerOptions<Taken>): Promise<Taken> {
    if (!this.isOpen) throw this.#failure ?? new Error('the connection was closed')
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const answer = new LineAnswer(this, id, options, resolve, reject)
      this.#waiting.set(id, answer as LineAnswer<unknown>)
      this.#send({ id, path: `/v1${path}` })
      answer.begin()
    })
  }

  /** Nobody waits for the answer any more. */
  withdraw(id: number): void {
    const answer = this.#waiting.get(id)
    if (answer === undefined) return
    this.#send({ id })
    this.#waiting.delete(id)
    answer.finish(null)
  }

  probe(onAnswer: () => void): void {
    this.#onSign = onAnswer
    this.#stream.write('\n')
  }

  destroy(reason?: Error): void {
    this.#failure ??= reason ?? null
    this.#stream.destroy()
    this.#carrier.destroy()
  }

  /** Those of one turn of the event loop go together. */
  #send(line: QueryLine): void {
    const stream = this.#stream
    if (stream.writableCorked === 0) {
      stream.cork()
      setImmediate(() => stream.uncork())
    }
    stream.write(`${JSON.stringify(line)}\n`)
  }

  #read(chunk: Buffer): void {
    // What answers a probe can't overtake a body.
    this.#onSign()
    try {
      this.#reader.read(chunk)
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #onLine(line: string): number | null {
    if (line === '') return null
    const answered = readAnswerLine(line)
    if (answered.bytes > maxAnswerBytes) throw tooLarge()
    this.#answered = answered
    return answered.bytes
  }

  #onBody(body: Buffer): void {
    if (this.#answered === null) return
    const { id, status, headers } = this.#answered
    this.#answered = null
    // It may have been withdrawn when the answer was under way.
    const answer = this.#waiting.get(id)
    this.#waiting.delete(id)
    answer?.finish({ status, headers, body })
  }

  #onClose(): void {
    // HTTP/2 may have lost the stream alone.
    this.#carrier.destroy()
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const answer of waiting) answer.lose(this.#failure)
    this.onChange()
  }
}

const answerLine = z.object({
  id: z.int(),
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  bytes: z.int().min(0),
})

/** @throws Error where it is none */
function readAnswerLine(line: string): AnswerLine {
  const read = answerLine.safeParse(JSON.parse(line))
  if (read.success) return read.data
  throw new Error(`it sent ${line.slice(0, 80)}, which is no answer`)
}

class LineAnswer<Taken> extends PendingAnswer<Taken> {
  readonly #connection: LineConnection
  readonly #id: number

  constructor(
    connection: LineConnection,
    id: number,
    options: AnswerOptions<Taken>,
    resolve: (taken: Taken) => void,
    reject: (error: unknown) => void,
  ) {
    super(options, resolve, reject)
    this.#connection = connection
    this.#id = id
  }

  /** With its connection. @param reason null = it just ended */
  lose(reason: Error | null): void {
    this.fail(reason)
    this.finish(null)
  }

  protected override cancel(): void {
    this.#connection.withdraw(this.#id)
  }
}
