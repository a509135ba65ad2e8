import type { ResponseHead } from '../../src/proxy/h1/response-head.ts'
import { ResponseReader } from '../../src/proxy/h1/response-reader.ts'
import { responseHeadText } from '../../src/proxy/h1/response-writer.ts'
import type { Suite } from './benchmark.ts'
import { headAt, isRepeated, responseHeads } from './heads.ts'
import { readResponseHead } from './response-head.ts'

const wire = Buffer.alloc(8192)

/** Writes the forwarded head as a socket does: text is joined lazily, and copying it is part of its price. */
function write(head: ResponseHead): number {
  return wire.write(responseHeadText(head, 'plain', ''), 'latin1')
}

export const responseWrite: Suite = () =>
  responseHeads.map(({ name, heads }) => {
    const parsed = heads.map((bytes) => {
      const reader = new ResponseReader()
      // As it stands after some responses of its connection: the same each time, or each of its own.
      for (let n = 0; n < (isRepeated(heads) ? 3 : 1); n++) readResponseHead(bytes, reader)
      return reader.head
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
