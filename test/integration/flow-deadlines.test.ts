import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { startDeafListener } from '../support/deaf-listener.ts'
import { Body, digest } from '../support/bodies.ts'
import { ask, useFlow } from '../support/flow.ts'
import { answer } from '../support/recording-origin.ts'

const flow = useFlow()
const MiB = 1024 * 1024
const get = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

test('a connection that is not accepted in time is a connect timeout', async () => {
  const deaf = await startDeafListener()
  flow.defer(async () => deaf.close())
  const engine = await flow.engine({ origins: [deaf], service: { connectTimeoutMs: 200 } })

  const { status, headers } = await ask(engine.port)

  expect({ status, failure: headers['x-tidegate-error'] }).toEqual({ status: 504, failure: 'connect-timeout' })
  expect(engine.ledger.endpoint(engine.slot(deaf.port), -1).consecutiveFailures()).toBe(1)
})

test('a POST whose connection is not accepted in time goes to the next endpoint, body and all', async () => {
  const deaf = await startDeafListener()
  flow.defer(async () => deaf.close())
  const origin = await flow.rawOrigin((incoming) => answer(incoming.body))
  const engine = await flow.engine({ origins: [deaf, origin], service: { connectTimeoutMs: 200 } })

  for (const body of ['first', 'second']) {
    const response = await ask(engine.port, { method: 'POST', body })
    expect({ status: response.status, body: String(response.body) }).toEqual({ status: 200, body })
  }
})

test('an answer that does not begin in time is a head timeout, and evidence', async () => {
  const origin = await flow.rawOrigin(() => {})
  const engine = await flow.engine({ origins: [origin], service: { headTimeoutMs: 200 } })

  const { status, headers } = await ask(engine.port)

  expect({ status, failure: headers['x-tidegate-error'] }).toEqual({ status: 504, failure: 'head-timeout' })
  expect(engine.ledger.endpoint(engine.slot(origin.port), -1).consecutiveFailures()).toBe(1)
  await origin.connections[0]?.closed()
})

test('a head that begins and goes no further is a head timeout', async () => {
  const origin = await flow.rawOrigin(() => 'HTTP/1.1 200 OK\r\ncontent-le')
  const engine = await flow.engine({ origins: [origin], service: { headTimeoutMs: 200 } })

  expect((await ask(engine.port)).headers['x-tidegate-error']).toBe('head-timeout')
})

test('the time for the head begins when the request is fully sent', async () => {
  const origin = await flow.rawOrigin((incoming) => answer(incoming.body))
  const engine = await flow.engine({ origins: [origin], service: { headTimeoutMs: 150 } })
  const client = await flow.client(engine)
  const pieces = 'abcdefgh'.split('')

  client.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${pieces.length}\r\n\r\n`)
  const dripping = setInterval(() => {
    const piece = pieces.shift()
    if (piece !== undefined) client.send(piece)
  }, 60)
  flow.defer(() => clearInterval(dripping))

  expect(await client.response()).toMatchObject({ status: 200, body: 'abcdefgh' })
})

test('all attempts together have the route’s time, without a body', async () => {
  const origin = await flow.rawOrigin(() => {})
  const engine = await flow.engine({ origins: [origin], route: { timeoutMs: 200 } })

  const { status, headers } = await ask(engine.port)

  expect({ status, failure: headers['x-tidegate-error'] }).toEqual({ status: 504, failure: 'total-timeout' })
  expect(await engine.settledAt(1)).toMatchObject({ status: 504, failure: 'total-timeout', attempts: 1 })
  expect(engine.ledger.endpoint(engine.slot(origin.port), -1).consecutiveFailures()).toBe(1)
  await origin.connections[0]?.closed()
})

test('all attempts together have the route’s time, from when the body is complete', async () => {
  const origin = await flow.rawOrigin(() => {})
  const engine = await flow.engine({ origins: [origin], route: { timeoutMs: 200 } })

  expect((await ask(engine.port, { method: 'POST', body: 'x' })).headers['x-tidegate-error']).toBe('total-timeout')
})

test('the route’s time holds over attempts that fail one after the other', async () => {
  const deaf = await startDeafListener()
  const alsoDeaf = await startDeafListener()
  flow.defer(async () => Promise.all([deaf.close(), alsoDeaf.close()]))
  const engine = await flow.engine({
    origins: [deaf, alsoDeaf],
    service: { connectTimeoutMs: 300 },
    route: { timeoutMs: 450 },
  })

  const { status, headers } = await ask(engine.port)

  expect({ status, failure: headers['x-tidegate-error'] }).toEqual({ status: 504, failure: 'total-timeout' })
  expect((await engine.settledAt(1)).attempts).toBe(2)
})

test('the route’s time ends with the response head', async () => {
  const origin = await flow.rawOrigin(({ target }) =>
    target === '/' ? 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nbegun' : undefined,
  )
  const engine = await flow.engine({ origins: [origin], route: { timeoutMs: 150 } })

  const answered = ask(engine.port)
  const { connection } = await origin.requestAt(1)
  // As long as another exchange takes to run out of its time, and that began later.
  expect((await ask(engine.port, { path: '/silent' })).status).toBe(504)
  connection.socket.write('ended')

  expect(String((await answered).body)).toBe('begunended')
})

describe('an endpoint that falls silent in its answer', () => {
  test.each([
    ['with a length', 'content-length: 100\r\n\r\nabc'],
    ['of chunks', 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'],
    ['to the end of the connection', '\r\nabc'],
  ])('is cut off, and the client sees it, %s', async (_name, rest) => {
    const origin = await flow.rawOrigin(() => `HTTP/1.1 200 OK\r\n${rest}`)
    const engine = await flow.engine({ origins: [origin], service: { idleTimeoutMs: 200 } })
    const client = await flow.client(engine)

    await expect(client.send(get).response()).rejects.toThrow('the connection ended')
    expect(client.received).not.toContain('\r\n0\r\n')
    expect(await engine.settledAt(1)).toMatchObject({ status: 200, failure: 'idle-timeout' })
    await origin.connections[0]?.closed()
  })

  test('is not taken for complete by an HTTP/1.0 client', async () => {
    const origin = await flow.rawOrigin(() => 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n')
    const engine = await flow.engine({ origins: [origin], service: { idleTimeoutMs: 200 } })
    const client = await flow.client(engine)

    client.send('GET / HTTP/1.0\r\n\r\n')

    expect((await client.rest()).ending).toBe('reset')
  })
})

test('silence while the client does not read is not the endpoint’s', async () => {
  const body = new Body(24 * MiB)
  const origin = await flow.origin((incoming, response) => {
    if (incoming.url === '/silent') return
    response.writeHead(200, { 'content-length': body.size })
    body.stream().pipe(response)
  })
  const engine = await flow.engine({
    origins: [origin],
    service: { idleTimeoutMs: 150, headTimeoutMs: 500 },
    listener: { timeouts: { writeMs: 5000 } },
  })

  const outgoing = request({ port: engine.port }).end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  // An exchange that lasts longer than the idle time, while nobody reads.
  expect((await ask(engine.port, { path: '/silent' })).status).toBe(504)

  expect(await digest(response)).toEqual({ size: body.size, hash: body.hash() })
})

test('an endpoint that stops reading the request is a head timeout', async () => {
  const origin = await flow.origin((incoming) => void incoming.pause())
  const engine = await flow.engine({
    origins: [origin],
    service: { headTimeoutMs: 300 },
    listener: { timeouts: { bodyMs: 150 } },
  })

  const outgoing = request({ port: engine.port, method: 'POST', headers: { 'content-length': 64 * MiB } })
  outgoing.on('error', () => {})
  new Body(64 * MiB).stream().pipe(outgoing)

  expect(await engine.settledAt(1)).toMatchObject({ status: 504, failure: 'head-timeout' })
})
