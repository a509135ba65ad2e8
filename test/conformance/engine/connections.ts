import { expect } from 'vitest'
import { header } from '../../support/http-message.ts'
import { answer } from '../../support/recording-origin.ts'
import type { EngineCase } from './case.ts'

const get = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nhost: a\r\n${fields}\r\n`
const handshake = get('/chat', 'connection: Upgrade\r\nupgrade: websocket\r\n')
const switching = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'

/** The client's connection, and the endpoint's. */
export const connectionCases: readonly EngineCase[] = [
  {
    title: 'keeps both connections for the next request',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      for (const target of ['/1', '/2', '/3']) expect((await client.send(get(target)).response()).body).toBe(target)
      expect(origin.connections).toHaveLength(1)
    },
  },
  {
    title: 'answers pipelined requests in order',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const targets = Array.from({ length: 100 }, (_, i) => `/${i}`)
      const responses = await client.send(targets.map((target) => get(target)).join('')).responses(100)
      expect(responses.map(({ body }) => body)).toEqual(targets)
      expect(origin.requests.map(({ target }) => target)).toEqual(targets)
    },
  },
  {
    title: 'closes when the client asks for it',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const response = await client.send(get('/', 'connection: close\r\n')).response()
      expect(header(response, 'connection')).toBe('close')
      expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
    },
  },
  {
    title: 'speaks HTTP/1.0: closes, or keeps the connection where asked',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const kept = await client.send('GET /1 HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n').response()
      expect(header(kept, 'connection')).toBe('keep-alive')
      const last = await client.send('GET /2 HTTP/1.0\r\nhost: a\r\n\r\n').response()
      expect(header(last, 'connection')).toBe('close')
      expect((await client.rest()).ending).toBe('fin')
    },
  },
  {
    title: 'answers a client that half-closes behind its request',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      expect(
        (
          await client
            .send(get('/1') + get('/2'))
            .end()
            .responses(2)
        ).map(({ body }) => body),
      ).toEqual(['/1', '/2'])
      expect((await client.rest()).ending).toBe('fin')
    },
  },
  {
    title: 'answers what came before a request that its client cut short',
    async run({ flow, start }) {
      for (const rest of [
        'GET /half HTTP/1.1\r\nhost: a\r\n',
        `POST /half HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc`,
      ]) {
        const origin = await flow.rawOrigin()
        const engine = await start({ origins: [origin] })
        const client = await flow.client(engine)
        client.send(get('/1') + get('/2') + rest).end()
        expect((await client.responses(2)).map(({ body }) => body)).toEqual(['/1', '/2'])
        expect((await client.rest()).text).toBe('')
        expect(origin.requests.map(({ target }) => target)).toEqual(['/1', '/2'])
      }
    },
  },
  {
    title: 'answers what came before garbage and FIN, and refuses the garbage',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const both = 'transfer-encoding: chunked\r\ncontent-length: 0\r\n'
      for (const garbage of ['\0\0\0\0\r\n\r\n', get('/2', both)]) {
        const client = await flow.client(engine)
        const responses = await client
          .send(get('/1') + garbage)
          .end()
          .responses(2)
        expect(responses.map(({ status }) => status)).toEqual([200, 400])
        expect((await client.rest()).ending).toBe('fin')
      }
    },
  },
  {
    title: 'gives up a client that half-closed and is not answered soon',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(() => {})
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      client.send(get('/')).end()
      await origin.requestAt(1)
      await origin.connections[0]?.closed()
      expect(await engine.settledAt(1)).toMatchObject({ status: 499, failure: 'client-abort' })
      expect((await client.rest()).text).toBe('')
    },
  },
  {
    title: 'answers what came before garbage, then refuses the garbage',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const [first, second] = await client.send(`${get('/1')}\0\0\0\0\r\n\r\n`).responses(2)
      expect(first).toMatchObject({ status: 200, body: '/1' })
      expect(second).toMatchObject({ status: 400 })
      expect((await client.rest()).ending).toBe('fin')
    },
  },
  {
    title: 'takes a client that leaves off its endpoint',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(() => {})
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      client.send(get('/'))
      await origin.requestAt(1)
      client.reset()
      await origin.connections[0]?.closed()
      expect(await engine.settledAt(1)).toMatchObject({ status: 499, failure: 'client-abort' })
    },
  },
  {
    title: 'makes a tunnel of an accepted upgrade',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(({ connection: { socket } }) => {
        socket.on('data', (bytes: Buffer) => socket.write(bytes))
        socket.write(`${switching}early`)
      })
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const response = await client.send(handshake).response()
      expect(response.status).toBe(101)
      expect(header(response, 'upgrade')).toBe('websocket')
      expect(header(await origin.requestAt(1), 'upgrade')).toBe('websocket')
      await client.send('\0echo').bytes(response.raw.length + 10)
      expect(await client.end().rest()).toEqual({ text: 'early\0echo', ending: 'fin' })
      expect(await engine.settledAt(1)).toMatchObject({ status: 101, requestBytes: 5, responseBytes: 10 })
    },
  },
  {
    title: 'goes on with the connection after an upgrade that was not taken',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(({ target }) => answer(target))
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      expect((await client.send(handshake).response()).body).toBe('/chat')
      expect((await client.send(get('/2')).response()).body).toBe('/2')
    },
  },
]
