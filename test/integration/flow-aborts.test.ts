import { Agent } from 'node:http'
import { expect, test } from 'vitest'
import type { Engine } from '../support/engine.ts'
import { ask, useFlow } from '../support/flow.ts'
import type { RawClient } from '../support/raw-client.ts'
import { answer } from '../support/recording-origin.ts'

const flow = useFlow()
const get = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

/** The client's going is counted once, is no evidence, and leaves nothing behind. */
async function expectAborted(engine: Engine, { port }: { readonly port: number }): Promise<void> {
  expect(await engine.settledAt(1)).toMatchObject({ status: 499, failure: 'client-abort', attempts: 1 })
  const row = engine.ledger.endpoint(engine.slot(port), -1)
  expect(row.inflight()).toBe(0)
  expect(row.consecutiveFailures()).toBe(0)
  expect(row.failures()).toBe(0)
  await ask(engine.port, { path: '/afterwards' })
  expect(engine.settled.map(({ status }) => status)).toEqual([499, 200])
}

test('a client that half-closes behind its request gets its answer', async () => {
  const origin = await flow.rawOrigin(() => {})
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send(get).end()
  const request = await origin.requestAt(1)
  // The FIN was read before this exchange went through.
  origin.script = () => answer('other')
  await ask(engine.port)
  request.connection.socket.write(answer('for the half-closed'))

  expect((await client.response()).body).toBe('for the half-closed')
  expect((await client.rest()).ending).toBe('fin')
  expect(engine.settled.map(({ status }) => status)).toEqual([200, 200])
})

test('a client that half-closes behind its body gets its answer, however large', async () => {
  const size = 4 * 1024 * 1024
  const origin = await flow.rawOrigin((request) => answer(request.body.repeat(size / 4)))
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nabcd').end()

  expect((await client.response()).body).toHaveLength(size)
  expect((await client.rest()).ending).toBe('fin')
})

test.each([
  ['one request', 1],
  ['the last of three requests', 3],
])('FIN behind %s that is not answered soon gives the attempt up', async (_name, count) => {
  const origin = await flow.rawOrigin((_request, index) => (index === count - 1 ? undefined : answer('ok')))
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send(get.repeat(count)).end()
  const { connection } = await origin.requestAt(count)

  await connection.closed()
  expect(await engine.settledAt(count)).toMatchObject({ status: 499, failure: 'client-abort' })
  expect(await client.responses(count - 1)).toHaveLength(count - 1)
  expect((await client.rest()).text).toBe('')
  expect(engine.ledger.endpoint(engine.slot(origin.port), -1).consecutiveFailures()).toBe(0)
})

test('FIN behind a request whose answer has begun takes nothing of it away', async () => {
  const origin = await flow.rawOrigin(() => {})
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send(get).end()
  const { connection } = await origin.requestAt(1)
  connection.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello')
  // A client that is not answered at all is given up in the meantime.
  const other = await flow.client(engine)
  other.send(get).end()
  await (await origin.requestAt(2)).connection.closed()
  connection.socket.write('world')

  expect((await client.response()).body).toBe('helloworld')
  expect((await client.rest()).ending).toBe('fin')
})

test('FIN in a head ends the connection; nothing goes upstream', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send('GET / HTTP/1.1\r\nhost: a\r\n').end()

  expect((await client.rest()).text).toBe('')
  expect(origin.connections).toHaveLength(0)
  expect(engine.settled).toHaveLength(0)
})

test.each([
  ['with a length', 'content-length: 100\r\n\r\nabc'],
  ['of chunks', 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'],
])('FIN in a body %s takes the endpoint’s connection along', async (_name, rest) => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send(`POST / HTTP/1.1\r\nhost: a\r\n${rest}`)
  const upstream = await origin.connectionAt(1, 150)
  client.end()
  await upstream.closed()

  expect(upstream.requests).toHaveLength(0)
  expect(upstream.received).not.toContain('\r\n0\r\n')
  await expectAborted(engine, origin)
})

test('a reset while the client waits gives the attempt up', async () => {
  const origin = await flow.rawOrigin((request) => (request.target === '/' ? undefined : answer('ok')))
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send(get)
  const request = await origin.requestAt(1)
  client.reset()
  await request.connection.closed()

  await expectAborted(engine, origin)
})

test('a reset while the client waits is noticed behind pipelined requests', async () => {
  const origin = await flow.rawOrigin((request) => (request.target === '/' ? undefined : answer('ok')))
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send(get.repeat(3))
  const request = await origin.requestAt(1)
  client.reset()
  await request.connection.closed()

  await expectAborted(engine, origin)
  expect(origin.requests.filter(({ target }) => target === '/')).toHaveLength(1)
})

test('a reset in the body gives the attempt up', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n').send(Buffer.alloc(300_000))
  const upstream = await origin.connectionAt(1, 100_000)
  client.reset()
  await upstream.closed()

  await expectAborted(engine, origin)
})

test('a client that goes in the middle of its answer ends the endpoint’s', async () => {
  const origin = await flow.rawOrigin((request) => {
    const { socket } = request.connection
    if (request.target !== '/') return answer('ok')
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
    const more = (): void => {
      if (!socket.destroyed) socket.write('5\r\nhello\r\n', () => setImmediate(more))
    }
    more()
    return undefined
  })
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send(get)
  await client.bytes(200)
  client.destroy()
  await origin.connections[0]?.closed()

  await expectAborted(engine, origin)
})

test('a client that goes while the connection to the endpoint is made leaves nothing behind', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })

  for (let i = 0; i < 20; i++) {
    const client = await flow.client(engine)
    client.send(get)
    client.reset()
  }
  for (let i = 0; i < 20; i++) expect((await ask(engine.port)).status).toBe(200)

  expect(engine.ledger.endpoint(engine.slot(origin.port), -1).inflight()).toBe(0)
  const others = engine.settled.filter(({ failure }) => failure !== null && failure !== 'client-abort')
  expect(others).toEqual([])
})

test.each([
  ['a reset', (client: RawClient) => client.reset()],
  ['FIN', (client: RawClient) => client.destroy()],
])('500 clients that go with %s while they wait leave nothing in flight', async (_name, leave) => {
  const origin = await flow.rawOrigin((request) => (request.target === '/' ? undefined : answer('ok')))
  const engine = await flow.engine({ origins: [origin] })
  const clients = await Promise.all(Array.from({ length: 500 }, async () => flow.client(engine)))

  for (const client of clients) client.send(get)
  await origin.requestAt(500)
  for (const client of clients) leave(client)
  await engine.settledAt(500)
  await Promise.all(origin.connections.map(async (connection) => connection.closed()))

  expect(engine.settled.every(({ status }) => status === 499)).toBe(true)
  expect(engine.ledger.endpoint(engine.slot(origin.port), -1).inflight()).toBe(0)
})

test('an aborted exchange takes no other client’s connection along', async () => {
  const origin = await flow.origin((incoming, response) => {
    if (incoming.url === '/slow') return
    response.end(incoming.url)
  })
  const engine = await flow.engine({ origins: [origin] })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  flow.defer(() => agent.destroy())

  for (let i = 0; i < 30; i++) {
    const leaving = await flow.client(engine)
    leaving.send('GET /slow HTTP/1.1\r\nhost: a\r\n\r\n')
    const asked = ask(engine.port, { path: `/${i}`, agent })
    leaving.reset()
    expect(String((await asked).body)).toBe(`/${i}`)
  }
})
