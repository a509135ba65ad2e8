import { HeadReader } from '../../src/proxy/h1/head-reader.ts'
import { parseRequestHead, RequestHead } from '../../src/proxy/h1/request-head.ts'
import type { Suite } from './benchmark.ts'
import { headAt, requestHeads } from './heads.ts'

const reader = new HeadReader()

/** From the bytes a socket read to a judged head. Returns the number of its fields; throws when it is refused. */
export function readRequestHead(bytes: Buffer, head: RequestHead): number {
  reader.take(bytes, 0, bytes.length, 16 * 1024)
  const failure = reader.head === null ? 'incomplete' : parseRequestHead(reader.head, 100, head, reader.headEnd)
  if (failure !== null) throw new Error(`the head is refused: ${failure}`)
  return head.fields.count
}

export const requestHead: Suite = () =>
  requestHeads.map(({ name, heads }) => ({
    name: `request head parse: ${name}`,
    run(operations) {
      const head = new RequestHead()
      let fields = 0
      for (let i = 0; i < operations; i++) fields += readRequestHead(headAt(heads, i), head)
      return fields
    },
  }))
