import { failures, type Failure } from '../core/failure.ts'
import type { BodyFraming, Exchange } from './exchange.ts'
import type { ResponseHead } from './h1/response-head.ts'
import { isRestShort } from './rest-of-body.ts'

/** An answer whose length is known and no more than this is whole before much more of its request has come. */
const shortAnswerBytes = 64 * 1024

/** Is this answer the last one on the client's connection? Its head has to say so. */
export function isLastAnswer(x: Exchange, answer: ResponseHead, framing: BodyFraming): boolean {
  const { head } = x
  if (!head.keepAlive || x.context.draining) return true
  if (framing === 'stream' && head.minor === 0) return true
  return !x.requestDone && !isBodyWanted(x, answer, framing)
}

/** Is this problem document the last answer on the client's connection? */
export function isLastProblem(x: Exchange, failure: Failure): boolean {
  const { context, head } = x
  if (failures[failure].closes || (head.hasBody && !x.requestDone) || !head.keepAlive) return true
  return context.draining || context.isShedding
}

/** After this response head, is the rest of the request body still worth reading to save the client's connection? */
function isBodyWanted(x: Exchange, answer: ResponseHead, framing: BodyFraming): boolean {
  if (answer.status >= 300 || !answer.keepAlive) return false
  // Most likely the answer is whole long before, and then so much is not dropped behind it.
  if (framing !== 'stream' && answer.contentLength <= shortAnswerBytes && !isRestShort(x)) return false
  // Answered in place of a 100 (RFC 9110 section 10.1.1): the client may never send its body, or may be about to.
  return !x.head.expectContinue || x.requestBytes > 0
}
