import type { Duplex } from 'node:stream'
import { type AnswerLine, maxQueryLineBytes, type QueryLine } from '../../core/query-lines.ts'
import { LineReader } from '../../util/line-reader.ts'
import { ApiError } from '../api-error.ts'
import type { CutFault } from '../faults/fault.ts'
import { answerTo, type Asked, type ServeOptions, type Written, writtenError } from './answer.ts'

/** How long what follows an answer may wait for more: with a thousand changes a second, ten go as one write. */
const gatherMs = 10
const maxGatheredBytes = 64 * 1024
/** Of one connection; Tidegate's own sources stay below. Each takes about 4 KiB. */
const maxWaiting = 32_768

// Once: an abort without a reason makes an error with a stack each time.
const notWanted = new Error('the answer is not wanted any more')

/** Answers the queries of a connection, each as soon as it can be, until it ends. What is no query ends it, with an answer that says so. */
export function serveQueryLines(stream: Duplex, options: ServeOptions): void {
  const lines = new QueryLines(stream, options)
  stream.on('data', (chunk: Buffer) => lines.read(chunk))
  // Who does not read is not asked for more.
  stream.on('drain', () => stream.resume())
  stream.on('error', () => {})
  stream.on('end', () => stream.end())
  stream.on('close', () => lines.close())
}

class QueryLines {
  readonly #stream: Duplex
  readonly #options: ServeOptions
  readonly #waiting = new Map<number, AbortController>()
  /** Null = what is sent goes at once. */
  #gathering: NodeJS.Timeout | null = null
  #hasGathered = false
  #isOver = false
  readonly #reader = new LineReader({
    maxLineBytes: maxQueryLineBytes,
    onLine: (line) => {
      this.#take(line)
      return null
    },
    onBody: () => {},
  })

  constructor(stream: Duplex, options: ServeOptions) {
    this.#stream = stream
    this.#options = options
  }

  /** What of it can be answered at once is, however slowly the client reads: a chunk is the bound. */
  read(chunk: Buffer): void {
    if (this.#isOver) return
    try {
      this.#reader.read(chunk)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.close()
      this.#send(0, writtenError(new ApiError(400, reason)))
      this.#stream.end(() => this.#stream.destroy())
    }
  }

  close(): void {
    this.#isOver = true
    clearTimeout(this.#gathering ?? undefined)
    for (const query of this.#waiting.values()) query.abort(notWanted)
    this.#waiting.clear()
  }

  #take(line: string): void {
    if (line === '') return this.#write('\n')
    const { id, path } = readQuery(line)
    const before = this.#waiting.get(id)
    if (path === undefined) {
      before?.abort(notWanted)
      this.#waiting.delete(id)
      return
    }
    if (before !== undefined) throw new ApiError(400, `A query with the id ${id} is not answered yet`)
    if (this.#waiting.size === maxWaiting) throw new ApiError(400, `More than ${maxWaiting} queries wait`)
    const query = new AbortController()
    this.#waiting.set(id, query)
    const asked = { method: 'GET', url: path, signal: query.signal, body: noBody, bytes: noBody }
    void answerTo(asked, this.#options, (answer, cut) => {
      if (query.signal.aborted) return
      this.#waiting.delete(id)
      this.#send(id, answer, cut)
    })
  }

  /** Cut, all that waits breaks with it. */
  #send(id: number, { status, headers, body }: Written, cut?: CutFault['cut']): void {
    const stream = this.#stream
    if (cut === 'head') return void stream.destroy()
    const line: AnswerLine = { id, status, headers, bytes: body.length }
    stream.cork()
    stream.write(`${JSON.stringify(line)}\n`)
    if (cut === 'body') stream.write(body.subarray(0, body.length / 2), () => stream.destroy())
    else this.#write(body)
    stream.uncork()
    this.#hasGathered = true
    if (this.#gathering === null) this.#gather()
    else if (stream.writableLength >= maxGatheredBytes) this.#flush()
  }

  #write(what: string | Buffer): void {
    if (!this.#stream.write(what)) this.#stream.pause()
  }

  /** What comes soon after this goes together. */
  #gather(): void {
    this.#hasGathered = false
    this.#stream.cork()
    this.#gathering = setTimeout(() => this.#flush(), gatherMs)
  }

  #flush(): void {
    clearTimeout(this.#gathering ?? undefined)
    this.#gathering = null
    this.#stream.uncork()
    if (this.#hasGathered) this.#gather()
  }
}

/** A query of the store has none. */
const noBody: Asked['bytes'] & Asked['body'] = async () => {
  throw new ApiError(400, 'A query has no body')
}

/** @throws ApiError */
function readQuery(line: string): QueryLine {
  let query: unknown
  try {
    query = JSON.parse(line)
  } catch {
    query = null
  }
  if (isQuery(query)) return query
  throw new ApiError(400, `A query is a line of JSON with an id and a path, not ${line.slice(0, 80)}`)
}

function isQuery(value: unknown): value is QueryLine {
  if (typeof value !== 'object' || value === null || !('id' in value) || !Number.isSafeInteger(value.id)) return false
  return !('path' in value) || typeof value.path === 'string'
}
