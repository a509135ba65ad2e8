import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { maxAnswerBytes, tooLarge } from '../wire.ts'
import type { AnswerOptions, Connection, OpenOptions } from './connection.ts'
import { PendingAnswer } from './pending-answer.ts'

/** HTTP/2: a stream for each query. */
export class H2Connection implements Connection {
  onChange: () => void = () => {}
  readonly #session: ClientHttp2Session
  readonly #base: string
  readonly #headers: OutgoingHttpHeaders
  readonly #maxStreams: number

  /** @param base what precedes each path */
  constructor(session: ClientHttp2Session, base: string, { headers, limits }: Omit<OpenOptions, 'signal'>) {
    this.#session = session
    this.#base = base
    this.#headers = headers
    this.#maxStreams = limits.maxStreams
    session.unref()
    session.on('remoteSettings', () => this.onChange())
    session.on('close', () => this.onChange())
  }

  get isOpen(): boolean {
    return !this.#session.destroyed
  }

  get maxQueries(): number {
    const { maxConcurrentStreams = this.#maxStreams } = this.#session.remoteSettings
    return Math.min(maxConcurrentStreams, this.#maxStreams)
  }

  /** GOAWAY closes it: RFC 9113 section 6.8. */
  get takesQueries(): boolean {
    return !this.#session.closed
  }

  ask<Taken>(path: string, options: AnswerOptions<Taken>): Promise<Taken> {
    const stream = this.#session.request({ ...this.#headers, ':path': this.#base + path }, { endStream: true })
    return new Promise((resolve, reject) => {
      new StreamAnswer(stream, options, resolve, reject).begin()
    })
  }

  probe(onAnswer: () => void): void {
    this.#session.ping((error) => {
      if (error === null) onAnswer()
    })
  }

  destroy(reason?: Error): void {
    this.#session.destroy(reason)
  }
}

/** The whole answer of a stream, once that is closed. */
class StreamAnswer<Taken> extends PendingAnswer<Taken> {
  readonly #stream: ClientHttp2Stream
  #headers: (IncomingHttpHeaders & IncomingHttpStatusHeader) | null = null
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(
    stream: ClientHttp2Stream,
    options: AnswerOptions<Taken>,
    resolve: (taken: Taken) => void,
    reject: (error: unknown) => void,
  ) {
    super(options, resolve, reject)
    this.#stream = stream
    stream.on('response', (headers) => (this.#headers = headers))
    stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    stream.on('error', (error) => this.fail(error))
    stream.on('close', () => this.#onClose())
  }

  protected override cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  #onData(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > maxAnswerBytes) this.end(tooLarge())
    else this.#chunks.push(chunk)
  }

  #onClose(): void {
    const [headers, chunks] = [this.#headers, this.#chunks]
    // What has waited for long is in V8's old generation, and what it holds would live as long as that.
    this.#headers = null
    this.#chunks = []
    const isWhole =
      headers !== null && this.#stream.rstCode === constants.NGHTTP2_NO_ERROR && hasAllOf(headers, this.#bytes)
    this.finish(isWhole ? { status: headers[':status'] ?? 0, headers, body: joined(chunks) } : null)
  }
}

/** Most answers come in one. */
function joined(chunks: readonly Buffer[]): Buffer {
  const [first] = chunks
  return first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks)
}

/** RFC 9113 section 8.1: a reset without an error may come behind a whole answer, or in the middle of one. */
function hasAllOf(headers: IncomingHttpHeaders, bytes: number): boolean {
  const announced = headers['content-length']
  return announced === undefined || Number(announced) === bytes
}
