import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { sourceForTest } from '../../../support/etcd-stage.ts'

const value = Buffer.from('10.0.0.1:80')
const ofService = (id: string) => Buffer.from(`/micro/services/web/${id}`, 'latin1')

/** Answers ranges of these keys as etcd does: from a key on, in the order of their bytes, so many at a time. */
async function startStore(keys: readonly Buffer[]) {
  const sorted = keys.toSorted((a, b) => Buffer.compare(a, b))
  let ranges = 0
  const server = createServer((request, response) => {
    if (request.url !== '/v3/kv/range') return
    void text(request).then((body) => {
      const asked = JSON.parse(body) as { key: string; limit: string }
      const from = Buffer.from(asked.key, 'base64')
      const rest = ++ranges > 20 ? [] : sorted.filter((key) => Buffer.compare(key, from) >= 0)
      const page = rest.slice(0, Number(asked.limit))
      const kvs = page.map((key) => ({ key: key.toString('base64'), value: value.toString('base64') }))
      response.end(JSON.stringify({ header: { revision: '7' }, kvs, more: rest.length > page.length }))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  return {
    endpoint: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    rangesAsked: () => ranges,
  }
}

it.each([
  // U+FFFD, which such bytes are read as, comes behind the first and before the second.
  ['hides no neighbour', ['\x80', '\xc3\xa4', '\xc3\xb6'], 3],
  ['is not listed for ever', ['\xff\x01', '\xff\x02', '\xff\x03'], 3],
])('a key at the end of a page that is no UTF-8 %s', async (_, ids, pages) => {
  const { endpoint, rangesAsked } = await startStore(ids.map(ofService))
  const { watch } = sourceForTest({ endpoints: [endpoint] }, { pageKeys: 1 })
  const answer = await watch('web').next()
  const listed = answer?.instances.map(({ id }) => id)
  expect(new Set(listed)).toEqual(new Set(ids.map((id) => Buffer.from(id, 'latin1').toString())))
  expect(rangesAsked()).toBe(pages)
})
