import type { Exchange } from './exchange.ts'

/**
 * An answer may be whole before its request is. What is still to come of the request's body is read and dropped, up to this many bytes
 * and for the idle time of bodies in all, and then the connection goes on: its client was not told that it ends, and may send its
 * next request right behind. Beyond either, the connection is closed.
 */
export const maxRestBytes = 1024 * 1024

/** False when Content-Length says that more is to come than is dropped. A chunked body says nothing in advance. */
export function isRestShort({ head, requestBytes }: Exchange): boolean {
  return head.chunked || head.contentLength - requestBytes <= maxRestBytes
}
