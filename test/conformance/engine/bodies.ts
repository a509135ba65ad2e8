import { expect } from 'vitest'
import { header } from '../../support/http-message.ts'
import { answer } from '../../support/recording-origin.ts'
import type { EngineCase } from './case.ts'

/** Bodies, heads without one, and what may come before the answer. */
export const bodyCases: readonly EngineCase[] = [
  {
    title: 'forwards a body with a length both ways',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin((request) => answer(request.body))
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const response = await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello').response()
      expect(response).toMatchObject({ body: 'hello', framing: 'length' })
      expect((await origin.requestAt(1)).framing).toBe('length')
      expect(await engine.settledAt(1)).toMatchObject({ requestBytes: 5, responseBytes: 5 })
    },
  },
  {
    title: 'forwards chunks and trailers both ways',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(
        () => 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\nx-sum: 2\r\n\r\n',
      )
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const response = await client
        .send('PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n')
        .response()
      expect(response).toMatchObject({ body: 'yes', framing: 'chunked', trailers: [['x-sum', '2']] })
      expect(await origin.requestAt(1)).toMatchObject({ body: 'hello', framing: 'chunked', trailers: [['x-sum', '1']] })
    },
  },
  {
    title: 'carries high bytes in fields, in front of bodies of every kind',
    async run({ flow, start }) {
      const bodies = ['content-length: 5\r\n\r\nhello', 'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n']
      const expecting = 'expect: 100-continue\r\n'
      const field = 'x-name: caf\xe9 \xc3\xa9 \xff\r\n'
      const origin = await flow.rawOrigin(
        (_request, index) => `HTTP/1.1 200 OK\r\n${field}${index < 2 ? '' : expecting}${bodies[index % 2]}`,
      )
      const engine = await start({ origins: [origin] })
      for (const [i, body] of [...bodies, ...bodies].entries()) {
        const client = await flow.client(engine)
        const expectation = i < 2 ? '' : expecting
        const response = await client.send(`POST / HTTP/1.1\r\nhost: a\r\n${field}${expectation}${body}`).response()
        expect(header(response, 'x-name')).toBe('caf\xe9 \xc3\xa9 \xff')
        expect(response.body).toBe('hello')
      }
      for (const request of origin.requests) expect(header(request, 'x-name')).toBe('caf\xe9 \xc3\xa9 \xff')
    },
  },
  {
    title: 'frames the body of a chunked DELETE',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const bytes = 'DELETE /d HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
      expect(await client.send(bytes).response()).toMatchObject({ status: 200, body: '/d' })
      expect(origin.requests).toMatchObject([{ body: 'hello', framing: 'chunked' }])
      expect(origin.violations).toEqual([])
    },
  },
  {
    title: 'gives an answer that ends with its connection an end',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(({ connection }) => {
        connection.socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end')
      })
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const response = await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()
      expect(response).toMatchObject({ body: 'until the end', framing: 'chunked' })
    },
  },
  {
    title: 'answers HEAD, 204 and 304 without a body',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(({ method, target }) => {
        if (method === 'HEAD') return 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n'
        return target === '/204' ? 'HTTP/1.1 204 No Content\r\n\r\n' : 'HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n'
      })
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const head = await client.send('HEAD / HTTP/1.1\r\nhost: a\r\n\r\n').response({ bodyless: true })
      expect(header(head, 'content-length')).toBe('99')
      for (const status of [204, 304]) {
        const response = await client.send(`GET /${status} HTTP/1.1\r\nhost: a\r\n\r\n`).response()
        expect(response).toMatchObject({ status, framing: 'none' })
        expect(header(response, 'transfer-encoding')).toBeUndefined()
      }
    },
  },
  {
    title: 'relays 100 to a client that waits for it, and 103',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(() => answer('done'))
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      client.send('POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n')
      const { socket } = await origin.connectionAt(1, 1)
      socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n')
      expect((await client.response()).status).toBe(100)
      expect(header(await client.response(), 'link')).toBe('</a.css>; rel=preload')
      expect(await client.send('ok').response()).toMatchObject({ status: 200, body: 'done' })
    },
  },
  {
    title: 'closes behind an answer that came before its request was complete',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\nbegin')
      const { socket } = await origin.connectionAt(1, 1)
      socket.write(answer('no', '413 Content Too Large'))
      const response = await client.response()
      expect(response).toMatchObject({ status: 413, body: 'no' })
      expect(header(response, 'connection')).toBe('close')
      expect((await client.rest()).ending).toBe('fin')
      await origin.connections[0]?.closed()
    },
  },
  {
    title: 'drops the rest of a body behind an answer that came early, and goes on with the next request',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      client.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n')
      const early = await origin.connectionAt(1, 1)
      origin.script = ({ target }) => answer(target)
      early.socket.write(answer('early'))
      expect(await client.response()).toMatchObject({ status: 200, body: 'early' })
      client.send('3\r\nend\r\n0\r\nx-sum: 1\r\n\r\nGET /next HTTP/1.1\r\nhost: a\r\n\r\n')
      expect(await client.response()).toMatchObject({ status: 200, body: '/next' })
      await early.closed()
      expect(origin.requests).toMatchObject([{ target: '/next' }])
    },
  },
  {
    title: 'forwards a response head of 32 KiB',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(() => answer('x', '200 OK', `x-large: ${'y'.repeat(32_000)}\r\n`))
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      expect(await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()).toMatchObject({ status: 200 })
    },
  },
]
