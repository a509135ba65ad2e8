import type { Exchange } from './exchange.ts'
import { ResponseHead } from './h1/response-head.ts'
import { servedMethods } from './h1/response-writer.ts'
import { settle } from './settle.ts'

/** Answers an OPTIONS that asks to go no further than here (RFC 9110 section 7.6.2). */
export function answerAsFinalRecipient(x: Exchange): void {
  const head = new ResponseHead()
  head.status = 200
  head.reason = 'OK'
  // A body that is still on its way is not waited for.
  head.keepAlive = false
  head.carried = `allow: ${servedMethods}\r\ncontent-length: 0\r\nx-request-id: ${x.requestId}\r\n`
  x.downstream.writeHead(head, 'none')
  x.downstream.writeEnd('')
  x.downstream.flush()
  settle(x, null)
}
