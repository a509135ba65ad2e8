import { latin1 } from '../../src/proxy/h1/latin1.ts'
import { parseResponseHead, ResponseHead } from '../../src/proxy/h1/response-head.ts'
import type { Suite } from './benchmark.ts'
import { headAt, responseHeads } from './heads.ts'

/** From the bytes a socket read to a judged head. Returns the number of its fields; throws when it is refused. */
export function readResponseHead(bytes: Buffer, head: ResponseHead): number {
  const text = latin1(bytes, 0, bytes.length)
  if (!parseResponseHead(text, 500, head, text.indexOf('\r\n\r\n'))) throw new Error('the head is refused')
  return head.fields.count
}

export const responseHead: Suite = () =>
  responseHeads.map(({ name, heads }) => ({
    name: `response head parse: ${name}`,
    run(operations) {
      const head = new ResponseHead()
      let fields = 0
      for (let i = 0; i < operations; i++) fields += readResponseHead(headAt(heads, i), head)
      return fields
    },
  }))
