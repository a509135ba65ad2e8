import { type Exchange, maxKeptBytes } from './exchange.ts'
import { requestReceived } from './handle.ts'
import { isIdempotent } from './retry.ts'

/**
 * Body bytes of the request, as they come. They go to the endpoint when it is ready; what another attempt might need, or what came
 * before the connection stood, is kept. `requestFlush` follows when there is no more for now.
 *
 * @param bytes may be overwritten after `requestFlush`
 */
export function requestBody(x: Exchange, bytes: Buffer, start: number, end: number): void {
  if (x.isSettled) return
  const { upstream } = x
  const isReady = upstream !== null && upstream.isReady
  const isFirst = x.requestBytes === 0
  x.requestBytes += end - start
  x.keptBytes += end - start
  if (isReady && (x.keptBytes > maxKeptBytes || !isIdempotent(x.head.method))) x.kept = null
  else if (isFirst || x.kept !== null) (x.kept ??= []).push(Buffer.from(bytes.subarray(start, end)))
  if (isReady) upstream.writeBody(bytes, start, end)
  else if (x.keptBytes >= maxKeptBytes) x.downstream.pauseBody()
}

/** Sends what one event brought of the request. */
export function requestFlush(x: Exchange): void {
  const { upstream } = x
  if (x.isSettled || upstream === null || !upstream.isReady) return
  if (!upstream.flush() && !x.requestDone) x.downstream.pauseBody()
}

/** The request body is complete. @param trailers lines with CRLF */
export function requestBodyEnd(x: Exchange, trailers: string): void {
  if (x.isSettled) return
  x.requestTrailers = trailers
  requestReceived(x)
  if (x.upstream !== null && x.upstream.isReady) x.upstream.endBody(trailers)
}

/**
 * A connection stands: sends what was kept, and the end when it is known. Forgets what can't be repeated any more.
 */
export function sendKept(x: Exchange): void {
  const { upstream, kept } = x
  if (upstream === null) return
  if (kept !== null) {
    for (const bytes of kept) upstream.writeBody(bytes, 0, bytes.length)
    if (x.keptBytes > maxKeptBytes || !isIdempotent(x.head.method)) x.kept = null
  }
  if (x.requestDone) upstream.endBody(x.requestTrailers)
  if (upstream.flush() && !x.requestDone) x.downstream.resumeBody()
}
