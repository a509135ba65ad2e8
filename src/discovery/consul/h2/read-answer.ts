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

interface AnswerOptions<Taken> {
  readonly timeoutMs: number
  /** Whether the process lives on for it. */
  readonly holds: boolean
  readonly signal: AbortSignal
  /** See Wire. */
  readonly take: (answer: StreamAnswer) => Taken
  /** What to reject with where there is no whole answer. */
  readonly errorOf: (failure: unknown) => Error
}

/** Hands on the whole answer of a stream once that is closed. Rejects with what `errorOf` makes of a failure, and with what `take` throws. */
export async function readAnswer<Taken>(
  stream: ClientHttp2Stream,
  { timeoutMs, holds, signal, take, errorOf }: AnswerOptions<Taken>,
): Promise<Taken> {
  const { promise, resolve, reject } = Promise.withResolvers<Taken>()
  const chunks: Buffer[] = []
  let bytes = 0
  let headers: (IncomingHttpHeaders & IncomingHttpStatusHeader) | null = null
  let failure: unknown = null
  const end = (reason: unknown) => {
    failure ??= reason
    stream.close(constants.NGHTTP2_CANCEL)
  }
  const onAbort = () => end(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  const timer = setTimeout(() => end(new TimeIsUp()), timeoutMs)
  if (!holds) timer.unref()
  stream.on('response', (received) => {
    headers = received
  })
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) end(tooLarge())
    else chunks.push(chunk)
  })
  stream.on('error', (error) => {
    failure ??= error
  })
  stream.on('close', () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    const received = headers
    // A stream that has waited is in V8's old generation, and what its listeners hold lives as long as that.
    headers = null
    const body = joined(chunks.splice(0))
    const isWhole = received !== null && stream.rstCode === constants.NGHTTP2_NO_ERROR && hasAllOf(received, bytes)
    if (failure !== null) return reject(errorOf(failure))
    if (!isWhole) return reject(errorOf(new Error('the connection broke before the end of the answer')))
    try {
      resolve(take({ status: received[':status'] ?? 0, headers: received, body }))
    } catch (error) {
      reject(error)
    }
  })
  return promise
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
