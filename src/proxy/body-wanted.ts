import type { Exchange } from './exchange.ts'
import type { ResponseHead } from './h1/response-head.ts'

/** After this response head, is the rest of the request body still worth reading to save the client's connection? */
export function isBodyWanted(x: Exchange, answer: ResponseHead): boolean {
  if (answer.status >= 300 || !answer.keepAlive) return false
  // Answered in place of a 100 (RFC 9110 section 10.1.1): the client may never send its body, or may be about to.
  return !x.head.expectContinue || x.requestBytes > 0
}
