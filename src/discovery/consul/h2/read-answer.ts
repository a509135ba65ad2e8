import { constants, type ClientHttp2Stream, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2'
import { maxAnswerBytes, tooLarge } from '../wire.ts'

export interface StreamAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Time was up. */
export class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp'
}

export interface AnswerOptions<Taken> {
  readonly timeoutMs: number
  /** Whether the process lives on for it. */
  readonly holds: boolean
  readonly signal: AbortSignal
  /** Called once the stream is closed. */
  readonly onEnd: () => void
  /** See Wire. */
  readonly take: (answer: StreamAnswer) => Taken
  /** What to reject with where there is no whole answer. */
  readonly errorOf: (failure: unknown) => Error
}

/** Hands on the whole answer of a stream once that is closed. Rejects with what `errorOf` makes of a failure, and with what `take` throws. */
export function readAnswer<Taken>(stream: ClientHttp2Stream, options: AnswerOptions<Taken>): Promise<Taken> {
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader(stream, options, resolve, reject)
    reader.begin()
  })
}

/** Thousands wait at a time, for most of their life: it is one object. */
class AnswerReader<Taken> {
  readonly #stream: ClientHttp2Stream
  readonly #options: AnswerOptions<Taken>
  readonly #resolve: (taken: Taken) => void
  readonly #reject: (error: unknown) => void
  #timer: NodeJS.Timeout | null = null
  #headers: (IncomingHttpHeaders & IncomingHttpStatusHeader) | null = null
  #chunks: Buffer[] = []
  #bytes = 0
  #failure: unknown = null

  constructor(
    stream: ClientHttp2Stream,
    options: AnswerOptions<Taken>,
    resolve: (taken: Taken) => void,
    reject: (error: unknown) => void,
  ) {
    this.#stream = stream
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
  }

  begin(): void {
    const { signal, timeoutMs, holds } = this.#options
    this.#stream.on('response', (headers) => (this.#headers = headers))
    this.#stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    this.#stream.on('error', (error) => (this.#failure ??= error))
    this.#stream.on('close', () => this.#onClose())
    if (signal.aborted) return this.handleEvent()
    signal.addEventListener('abort', this, { once: true })
    this.#timer = setTimeout(endInTime, timeoutMs, this)
    if (!holds) this.#timer.unref()
  }

  /** The signal aborts. */
  handleEvent(): void {
    this.end(this.#options.signal.reason)
  }

  end(reason: unknown): void {
    this.#failure ??= reason
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  #onData(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > maxAnswerBytes) this.end(tooLarge())
    else this.#chunks.push(chunk)
  }

  #onClose(): void {
    const { signal, onEnd, take, errorOf } = this.#options
    if (this.#timer !== null) clearTimeout(this.#timer)
    signal.removeEventListener('abort', this)
    onEnd()
    const [headers, chunks] = [this.#headers, this.#chunks]
    // What has waited for long is in V8's old generation, and what it holds would live as long as that.
    this.#headers = null
    this.#chunks = []
    const isWhole =
      headers !== null && this.#stream.rstCode === constants.NGHTTP2_NO_ERROR && hasAllOf(headers, this.#bytes)
    if (this.#failure !== null) return this.#reject(errorOf(this.#failure))
    if (!isWhole) return this.#reject(errorOf(new Error('the connection broke before the end of the answer')))
    try {
      this.#resolve(take({ status: headers[':status'] ?? 0, headers, body: joined(chunks) }))
    } catch (error) {
      this.#reject(error)
    }
  }
}

function endInTime(reader: Pick<AnswerReader<unknown>, 'end'>): void {
  reader.end(new TimeIsUp())
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
