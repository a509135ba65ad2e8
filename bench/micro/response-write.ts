import { ResponseHead } from '../../src/proxy/h1/response-head.ts'
import { responseHeadText } from '../../src/proxy/h1/response-writer.ts'
import type { Suite } from './benchmark.ts'
import { headAt, responseHeads } from './heads.ts'
import { readResponseHead } from './response-head.ts'

const wire = Buffer.alloc(8192)

/** Writes the forwarded head as a socket does: text is joined lazily, and copying it is part of its price. */
function write(head: ResponseHead): number {
  return wire.write(responseHeadText(head, 'plain', ''), 'latin1')
}

export const responseWrite: Suite = () =>
  responseHeads.map(({ name, heads }) => {
    const parsed = heads.map((bytes) => {
      const head = new ResponseHead()
      readResponseHead(bytes, head)
      return head
    })
    return {
      name: `response head write: ${name}`,
      run(operations) {
        let bytes = 0
        for (let i = 0; i < operations; i++) bytes += write(headAt(parsed, i))
        return bytes
      },
    }
  })
