import { expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { useFlow } from '../support/flow.ts'
import { answer } from '../support/recording-origin.ts'

const flow = useFlow()
const get = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

test('idle connections go, and then it is done', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const clients = await Promise.all(Array.from({ length: 5 }, async () => flow.client(engine)))
  for (const client of clients.slice(0, 3)) await client.send(get).response()

  expect(await engine.drain(10_000)).toBe(0)

  for (const client of clients) expect((await client.rest()).ending).toBe('fin')
})

test('a request under way is finished, and told that the connection ends', async () => {
  const origin = await flow.rawOrigin(() => {})
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)
  client.send(get)
  const request = await origin.requestAt(1)

  const drained = engine.drain(10_000)
  request.connection.socket.write(answer('finished'))
  const response = await client.response()

  expect(response).toMatchObject({ status: 200, body: 'finished' })
  expect(header(response, 'connection')).toBe('close')
  expect((await client.end().rest()).ending).toBe('fin')
  expect(await drained).toBe(0)
  expect(engine.settled).toHaveLength(1)
})

test('an answer under way when the drain begins ends its connection', async () => {
  const origin = await flow.rawOrigin(() => 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc')
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)
  client.send(get)
  await client.bytes(30)

  const drained = engine.drain(10_000)
  origin.connections[0]?.socket.write('def')

  expect((await client.response()).body).toBe('abcdef')
  expect((await client.end().rest()).ending).toBe('fin')
  expect(await drained).toBe(0)
})

test('a request that was on its way on an idle connection is still answered', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)
  await client.send(get).response()

  const drained = engine.drain(10_000)
  const response = await client.send('GET /late HTTP/1.1\r\nhost: a\r\n\r\n').response()

  expect(response.body).toBe('/late')
  expect(header(response, 'connection')).toBe('close')
  client.end()
  expect(await drained).toBe(0)
})

test('connections that wait to be accepted when the drain begins are answered', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const waiting = Array.from({ length: 20 }, async () => {
    const client = await flow.client(engine)
    const { status } = await client.send(get).response()
    client.end()
    return status
  })
  const statuses = Promise.all(waiting)
  // Node connects in the next tick; nothing is accepted before the event loop turns.
  await new Promise<void>((resolve) => process.nextTick(resolve))

  expect(await engine.drain(10_000)).toBe(0)

  expect(await statuses).toEqual(Array(20).fill(200))
})

test('the deadline cuts what is left, visibly', async () => {
  const origin = await flow.rawOrigin(({ target }) =>
    target === '/waiting' ? undefined : 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nabc',
  )
  const engine = await flow.engine({ origins: [origin] })
  const waiting = await flow.client(engine)
  const reading = await flow.client(engine)
  const readingToTheEnd = await flow.client(engine)
  waiting.send('GET /waiting HTTP/1.1\r\nhost: a\r\n\r\n')
  reading.send(get)
  await reading.bytes(30)
  readingToTheEnd.send('GET / HTTP/1.0\r\n\r\n')
  await readingToTheEnd.bytes(30)
  await origin.requestAt(3)

  expect(await engine.drain(100)).toBe(3)

  expect(await waiting.rest()).toEqual({ text: '', ending: 'reset' })
  expect((await reading.rest()).ending).toBe('reset')
  expect((await readingToTheEnd.rest()).ending).toBe('reset')
  await Promise.all(origin.connections.map(async (connection) => connection.closed()))
  expect(engine.settled.map(({ failure }) => failure)).toEqual(['client-abort', 'client-abort', 'client-abort'])
})

test('a client that lingers behind its answer is not cut', async () => {
  const origin = await flow.rawOrigin(() => {})
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)
  client.send(get)
  const request = await origin.requestAt(1)

  const drained = engine.drain(400)
  request.connection.socket.write(answer('finished'))
  await client.response()

  expect(await drained).toBe(0)
})

test('tunnels stay until the deadline', async () => {
  const switching = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'
  const origin = await flow.rawOrigin((request) => {
    const { socket } = request.connection
    socket.removeAllListeners('data')
    socket.on('data', (bytes: Buffer) => socket.write(bytes))
    return switching
  })
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)
  client.send('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
  await client.response()
  const received = client.received.length

  const drained = engine.drain(300)
  client.send('still open')
  await client.bytes(received + 10)

  expect(await drained).toBe(1)
  await client.rest()
  await origin.connections[0]?.closed()
})

test('twenty clients asking without pause lose nothing but connections', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const statuses: number[] = []
  const lastWords: (string | undefined)[] = []
  const asking = Array.from({ length: 20 }, async () => {
    const client = await flow.client(engine)
    for (;;) {
      const response = await client.send(get).response()
      statuses.push(response.status)
      if (header(response, 'connection') !== 'close') continue
      lastWords.push('close')
      client.end()
      return
    }
  })
  await engine.settledAt(200)

  expect(await engine.drain(10_000)).toBe(0)
  await Promise.all(asking)

  expect(lastWords).toHaveLength(20)
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(engine.settled).toHaveLength(statuses.length)
})

test('a client that takes its last answer slowly ends the drain when it has it', async () => {
  const size = 24 * 1024 * 1024
  const origin = await flow.rawOrigin(() => `HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${'a'.repeat(size)}`)
  const engine = await flow.engine({ origins: [origin] })
  const idle = await flow.client(engine)
  const client = await flow.client(engine)
  const pause = () => client.socket.pause()
  client.socket.on('data', pause)
  client.send(get)
  const sipping = setInterval(() => client.socket.resume(), 2)
  flow.defer(() => clearInterval(sipping))
  await engine.settledAt(1)
  clearInterval(sipping)
  client.socket.pause()

  // A deadline that this test does not wait for.
  const drained = engine.drain(3_600_000)
  // What is idle is closed, and it is not among them yet.
  expect((await idle.rest()).ending).toBe('fin')
  client.socket.off('data', pause)
  client.socket.resume()

  expect((await client.response()).body).toHaveLength(size)
  expect(await drained).toBe(0)
})
