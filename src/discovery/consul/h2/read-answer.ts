import { constants, type ClientHttp2Stream, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2'
import { maxAnswerBytes, tooLarge } from '../wire.ts'

export interface StreamAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Once: it is not kept here, see Wire. */
  readonly takeBody: () => Buffer
}

/** Time was up. */
export class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp'
}

interface AnswerOptions {
  readonly timeoutMs: number
  /** Whether the process lives on for it. */
  readonly holds: boolean
  readonly signal: AbortSignal
}

/** The whole answer of a stream; settles when the stream is closed, so that its place is free then. */
export async function readAnswer(
  stream: ClientHttp2Stream,
  { timeoutMs, holds, signal }: AnswerOptions,
): Promise<StreamAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<StreamAnswer>()
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
    const isWhole = headers !== null && stream.rstCode === constants.NGHTTP2_NO_ERROR && hasAllOf(headers, bytes)
    if (failure !== null) reject(failure)
    else if (headers === null || !isWhole) reject(new Error('the connection broke before the end of the answer'))
    else resolve({ status: headers[':status'] ?? 0, headers, takeBody: () => Buffer.concat(chunks.splice(0)) })
  })
  return promise
}

/** RFC 9113 section 8.1: a reset without an error may come behind a whole answer, or in the middle of one. */
function hasAllOf(headers: IncomingHttpHeaders, bytes: number): boolean {
  const announced = headers['content-length']
  return announced === undefined || Number(announced) === bytes
}
