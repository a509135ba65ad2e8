import type { BodyFraming } from './exchange.ts'
import type { ResponseHead } from './h1/response-head.ts'

/** What follows a response head (RFC 9112 section 6.3). @param method of the request */
export function framingOf(head: ResponseHead, method: string): BodyFraming {
  if (method === 'HEAD' || head.status === 204 || head.status === 304) return 'none'
  if (head.chunked || head.contentLength === -1) return 'stream'
  return head.contentLength === 0 ? 'none' : 'length'
}
