import { RequestReader } from '../../src/proxy/h1/request-reader.ts'
import type { Suite } from './benchmark.ts'
import { headAt, requestHeads } from './heads.ts'

const limits = { headBytes: 16 * 1024, headFields: 100, bodyBytes: null, connections: 1, connectionsPerClient: null }

/** From the bytes a socket read to a judged head. Returns the number of its fields; throws when it is refused. */
export function readRequestHead(bytes: Buffer, reader: RequestReader): number {
  reader.take(bytes, 0, bytes.length, limits)
  if (!reader.isWhole || reader.failure !== null) throw new Error(`the head is refused: ${reader.failure}`)
  return reader.head.fields.count
}

export const requestHead: Suite = () =>
  requestHeads.map(({ name, heads }) => ({
    name: `request head parse: ${name}`,
    run(operations) {
      const reader = new RequestReader()
      let fields = 0
      for (let i = 0; i < operations; i++) fields += readRequestHead(headAt(heads, i), reader)
      return fields
    },
  }))
