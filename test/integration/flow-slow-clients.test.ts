import { expect, test } from 'vitest'
import { Body } from '../support/bodies.ts'
import { header } from '../support/http-message.ts'
import { useFlow } from '../support/flow.ts'
import { answer } from '../support/recording-origin.ts'

const flow = useFlow()
const MiB = 1024 * 1024

test('a head that takes too long is 408, and nothing goes upstream', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin], listener: { timeouts: { headMs: 200 } } })
  const client = await flow.client(engine)

  const response = await client.send('GET / HTTP/1.1\r\nhost: a\r\nx-slow: ').response()

  expect(response.status).toBe(408)
  expect(header(response, 'x-tidegate-error')).toBe('request-timeout')
  expect((await client.rest()).ending).toBe('fin')
  expect(origin.connections).toHaveLength(0)
  expect(await engine.settledAt(1)).toMatchObject({ status: 408, failure: 'request-timeout', routeId: null })
})

test('a head’s time does not start anew with every byte', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin], listener: { timeouts: { headMs: 300 } } })
  const client = await flow.client(engine)

  client.send('GET / HTTP/1.1\r\nhost: a\r\nx-slow: ')
  const dripping = setInterval(() => client.send('x'), 20)
  flow.defer(() => clearInterval(dripping))

  expect((await client.response()).status).toBe(408)
})

test('the second head of a connection has its time too', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin], listener: { timeouts: { headMs: 200 } } })
  const client = await flow.client(engine)

  await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()

  expect((await client.send('GET /slow').response()).status).toBe(408)
})

test('a connection on which nothing is asked is closed without a word', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin], listener: { timeouts: { headMs: 200 } } })
  const client = await flow.client(engine)

  expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
  expect(engine.settled).toHaveLength(0)
})

test('a kept connection is closed when it has been idle too long', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin], listener: { timeouts: { idleMs: 200 } } })
  const client = await flow.client(engine)

  await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()

  expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
  expect(engine.settled).toHaveLength(1)
})

test('a body that stops coming is 408, and the endpoint’s connection is given up', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin], listener: { timeouts: { bodyMs: 200 } } })
  const client = await flow.client(engine)

  const response = await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc').response()

  expect(header(response, 'x-tidegate-error')).toBe('request-timeout')
  await (await origin.connectionAt(1)).closed()
  expect(engine.ledger.endpoint(engine.slot(origin.port), -1).consecutiveFailures()).toBe(0)
  expect(await engine.settledAt(1)).toMatchObject({ status: 408, requestBytes: 3 })
})

test('a body may take long as long as it comes', async () => {
  const origin = await flow.rawOrigin((request) => answer(request.body))
  const engine = await flow.engine({ origins: [origin], listener: { timeouts: { bodyMs: 300 } } })
  const client = await flow.client(engine)
  const pieces = Array.from({ length: 12 }, (_, i) => String.fromCharCode(97 + i))

  client.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${pieces.length}\r\n\r\n`)
  const dripping = setInterval(() => {
    const piece = pieces.shift()
    if (piece !== undefined) client.send(piece)
  }, 60)
  flow.defer(() => clearInterval(dripping))

  expect(await client.response()).toMatchObject({ status: 200, body: 'abcdefghijkl' })
})

test('a client that does not take its answer is cut off, and so is the endpoint', async () => {
  const origin = await flow.origin((_incoming, response) => {
    response.writeHead(200, { 'content-length': 64 * MiB })
    new Body(64 * MiB).stream().pipe(response)
  })
  const engine = await flow.engine({ origins: [origin], listener: { timeouts: { writeMs: 200 } } })
  const client = await flow.client(engine)

  client.socket.pause()
  client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')

  expect(await engine.settledAt(1)).toMatchObject({ status: 499, failure: 'client-abort' })
  expect(engine.ledger.endpoint(engine.slot(origin.port), -1).consecutiveFailures()).toBe(0)
  client.socket.resume()
  expect((await client.rest()).ending).toBe('reset')
})

test('a client that does not take the end of its last answer is cut off', async () => {
  const origin = await flow.rawOrigin(() => `HTTP/1.1 200 OK\r\n\r\n${'a'.repeat(32 * MiB)}`)
  const engine = await flow.engine({ origins: [origin], listener: { timeouts: { writeMs: 200 } } })
  const client = await flow.client(engine)

  client.socket.pause()
  client.send('GET / HTTP/1.0\r\n\r\n')
  await engine.settledAt(1)
  client.socket.resume()

  expect((await client.rest()).ending).toBe('reset')
})

test('a client that takes its answer slowly gets it whole, behind the close too', async () => {
  const size = 24 * MiB
  const origin = await flow.rawOrigin(() => `HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${'a'.repeat(size)}`)
  const engine = await flow.engine({ origins: [origin], listener: { timeouts: { writeMs: 300 } } })
  const client = await flow.client(engine)
  let received = 0

  client.send('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  client.socket.on('data', (bytes: Buffer) => {
    received += bytes.length
    client.socket.pause()
  })
  const sipping = setInterval(() => client.socket.resume(), 2)
  flow.defer(() => clearInterval(sipping))

  expect((await client.rest()).ending).toBe('fin')
  expect(received).toBeGreaterThan(size)
  expect(await engine.settledAt(1)).toMatchObject({ status: 200, failure: null, responseBytes: size })
})
