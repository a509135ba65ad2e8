import { Agent } from 'node:http'
import { expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { ask, useFlow } from '../support/flow.ts'
import { answer } from '../support/recording-origin.ts'

const flow = useFlow()

test('carries many requests of one client over one connection to the endpoint', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  for (let i = 0; i < 20; i++) {
    client.send(`GET /${i} HTTP/1.1\r\nhost: a\r\n\r\n`)
    expect((await client.response()).body).toBe(`/${i}`)
  }

  expect(origin.connections).toHaveLength(1)
})

test('uses the connections of clients that are gone for those that come', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })

  for (let i = 0; i < 10; i++) {
    const client = await flow.client(engine)
    client.send('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    expect((await client.response()).status).toBe(200)
    expect((await client.rest()).ending).toBe('fin')
  }

  expect(origin.connections).toHaveLength(1)
})

test('opens a connection for each request under way at once, and keeps them all', async () => {
  let arrived = 0
  const waiting: (() => void)[] = []
  const origin = await flow.origin((_request, response) => {
    waiting.push(() => response.end('done'))
    if (++arrived % 4 === 0) for (const end of waiting.splice(0)) end()
  })
  const engine = await flow.engine({ origins: [origin] })
  const agent = new Agent({ keepAlive: true })
  flow.defer(() => agent.destroy())

  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(Array.from({ length: 4 }, async () => ask(engine.port, { agent })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  }

  expect(origin.connections).toBe(4)
})

test('does not use a connection again after an answer that says close', async () => {
  const origin = await flow.rawOrigin((request) => {
    request.connection.socket.write(answer('bye', '200 OK', 'connection: close\r\n'))
  })
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  for (let i = 0; i < 3; i++) {
    const response = await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()
    expect(response.body).toBe('bye')
    expect(header(response, 'connection')).toBeUndefined()
  }

  expect(origin.connections).toHaveLength(3)
  for (const connection of origin.connections) expect(await connection.closed()).toBe('fin')
})

test('does not keep a connection whose endpoint announces that it closes within a second', async () => {
  const origin = await flow.rawOrigin(() => answer('soon gone', '200 OK', 'keep-alive: timeout=1\r\n'))
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  for (let i = 0; i < 3; i++) await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()

  expect(origin.connections).toHaveLength(3)
})

test('closes an idle connection a second before the endpoint said it would', async () => {
  const origin = await flow.rawOrigin(() => answer('kept', '200 OK', 'keep-alive: timeout=2, max=100\r\n'))
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()
  await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()

  expect(origin.connections).toHaveLength(1)
  expect(await origin.connections[0]?.closed()).toBe('fin')
})

test('lets go of a kept connection on which the endpoint speaks unasked', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)
  await client.send('GET /1 HTTP/1.1\r\nhost: a\r\n\r\n').response()

  const first = await origin.connectionAt(1)
  first.socket.write(answer('nobody asked'))
  await first.closed()

  expect((await client.send('GET /2 HTTP/1.1\r\nhost: a\r\n\r\n').response()).body).toBe('/2')
  expect(origin.connections).toHaveLength(2)
})

test.each([3, 1000])('answers %i pipelined requests in order', async (count) => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send(Array.from({ length: count }, (_, i) => `GET /${i} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''))

  const bodies = (await client.responses(count)).map(({ body }) => body)
  expect(bodies).toEqual(Array.from({ length: count }, (_, i) => `/${i}`))
})

test('answers pipelined requests in order when some have bodies and some are refused', async () => {
  const origin = await flow.rawOrigin((request) => answer(`${request.target} ${request.body}`))
  const engine = await flow.engine({ origins: [origin], route: { path: '/in' } })
  const client = await flow.client(engine)

  client.send(
    'POST /in/1 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc' +
      'GET /out HTTP/1.1\r\nhost: a\r\n\r\n' +
      'POST /in/2 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n' +
      'GET /out HTTP/1.1\r\nhost: a\r\n\r\n' +
      'GET /in/3 HTTP/1.1\r\nhost: a\r\n\r\n',
  )

  const responses = await client.responses(5)
  expect(responses.map(({ status }) => status)).toEqual([200, 404, 200, 404, 200])
  expect([responses[0]?.body, responses[2]?.body, responses[4]?.body]).toEqual(['/in/1 abc', '/in/2 de', '/in/3 '])
})

test('says close to a client that asked for it, and closes', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const response = await client.send('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n').response()

  expect(header(response, 'connection')).toBe('close')
  expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
})

test('leaves requests behind the last one unanswered', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send('GET /1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n')

  expect((await client.response()).body).toBe('/1')
  expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
  expect(origin.requests).toHaveLength(1)
})

test('closes behind the answer to an HTTP/1.0 client', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const response = await client.send('GET /old HTTP/1.0\r\n\r\n').response()

  expect(response.body).toBe('/old')
  expect(header(response, 'connection')).toBe('close')
  expect((await client.rest()).ending).toBe('fin')
})

test('keeps the connection of an HTTP/1.0 client that asks for it', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  for (const target of ['/1', '/2']) {
    const response = await client.send(`GET ${target} HTTP/1.0\r\nconnection: keep-alive\r\n\r\n`).response()
    expect(response.body).toBe(target)
    expect(header(response, 'connection')).toBe('keep-alive')
  }
})

test('ends an answer of unknown length to an HTTP/1.0 client with the connection', async () => {
  const origin = await flow.rawOrigin(
    () => 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
  )
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const response = await client.send('GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n').response()

  expect(header(response, 'transfer-encoding')).toBeUndefined()
  expect(header(response, 'connection')).toBe('close')
  expect(response).toMatchObject({ framing: 'close', body: 'hello world' })
})

test('answers requests that a client pipelined before it half-closed', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send(Array.from({ length: 20 }, (_, i) => `GET /${i} HTTP/1.1\r\nhost: a\r\n\r\n`).join('')).end()

  expect((await client.responses(20)).at(-1)?.body).toBe('/19')
  expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
})
