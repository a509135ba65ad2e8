import { ResponseReader } from '../../src/proxy/h1/response-reader.ts'
import type { Suite } from './benchmark.ts'
import { headAt, responseHeads } from './heads.ts'

/** From the bytes a socket read to a judged head. Returns the number of its fields; throws when it is refused. */
export function readResponseHead(bytes: Buffer, reader: ResponseReader): number {
  if (reader.take(bytes, 0, bytes.length) === -1) throw new Error('the head is refused')
  return reader.head.fields.count
}

export const responseHead: Suite = () =>
  responseHeads.map(({ name, heads }) => ({
    name: `response head parse: ${name}`,
    run(operations) {
      const reader = new ResponseReader()
      let fields = 0
      for (let i = 0; i < operations; i++) fields += readResponseHead(headAt(heads, i), reader)
      return fields
    },
  }))
