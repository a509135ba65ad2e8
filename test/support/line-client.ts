import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { Duplex } from 'node:stream'
import { type AnswerLine, maxQueryLineBytes, queryLinesProtocol } from '../../src/core/query-lines.ts'
import { LineReader } from '../../src/util/line-reader.ts'

/** What came: an answer with its body, or an empty line. */
export type Came = (AnswerLine & { readonly body: string }) | 'sign'

/** Says what it is told by a stream of lines, and hears what comes. */
export class LineClient {
  readonly stream: Duplex
  readonly #came: Came[] = []
  #line: AnswerLine | null = null
  #onChange: () => void = () => {}
  #hasEnded = false

  constructor(stream: Duplex) {
    this.stream = stream
    const reader = new LineReader({
      maxLineBytes: maxQueryLineBytes,
      onLine: (line) => {
        if (line === '') return this.#hear('sign')
        this.#line = JSON.parse(line) as AnswerLine
        return this.#line.bytes
      },
      onBody: (body) => {
        if (this.#line !== null) this.#hear({ ...this.#line, body: body.toString() })
      },
    })
    stream.on('data', (chunk: Buffer) => reader.read(chunk))
    stream.on('error', () => {})
    for (const end of ['end', 'close'])
      stream.on(end, () => {
        this.#hasEnded = true
        this.#onChange()
      })
  }

  /** By HTTP/1.1's Upgrade. */
  static async connect(address: string): Promise<LineClient> {
    const [, socket] = (await once(askForLines(address), 'upgrade')) as [IncomingMessage, Duplex]
    return new LineClient(socket)
  }

  /** @param line text as it is, anything else as JSON */
  send(line: object | string): void {
    this.stream.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
  }

  /** The next that comes, or has come; null at the end. */
  async next(): Promise<Came | null> {
    for (;;) {
      const first = this.#came.shift()
      if (first !== undefined) return first
      if (this.#hasEnded) return null
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onChange = resolve
      await promise
    }
  }

  close(): void {
    this.stream.destroy()
  }

  #hear(came: Came): null {
    this.#came.push(came)
    this.#onChange()
    return null
  }
}

/** A request that would rather speak lines. @param said other fields */
export function askForLines(address: string, said: Readonly<Record<string, string>> = {}) {
  const headers = { connection: 'Upgrade', upgrade: queryLinesProtocol, ...said }
  return request(new URL('/v1/status/leader', address), { headers, agent: false }).end()
}
