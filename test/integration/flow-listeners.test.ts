import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { failures } from '../../src/core/failure.ts'
import { header } from '../support/http-message.ts'
import { ask, useFlow } from '../support/flow.ts'
import { answer } from '../support/recording-origin.ts'

const flow = useFlow()
const get = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

async function refuses(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
  return error.code === 'ECONNREFUSED'
}

test('a listener that is added serves beside the first', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const { addresses, errors } = await engine.listen([{}, { name: 'second' }])

  expect(errors).toEqual([])
  expect(addresses).toEqual([{ listener: 'second', host: '127.0.0.1', port: expect.any(Number) }])
  expect((await ask(addresses[0]?.port as number)).status).toBe(200)
  expect((await client.send(get).response()).status).toBe(200)
  expect(engine.settled.map(({ listener }) => listener)).toEqual(['second', 'edge'])
})

test('a listener that is removed finishes what is under way, and takes nothing new', async () => {
  const origin = await flow.rawOrigin(() => {})
  const engine = await flow.engine({ origins: [origin] })
  const { addresses } = await engine.listen([{}, { name: 'second' }])
  const port = addresses[0]?.port as number
  const busy = await flow.client({ port })
  busy.send(get)
  const request = await origin.requestAt(1)

  await engine.listen([{}])

  expect(await refuses(port)).toBe(true)
  request.connection.socket.write(answer('late'))
  const response = await busy.response()
  expect(response).toMatchObject({ status: 200, body: 'late' })
  expect((await busy.rest()).ending).toBe('fin')
})

test('a listener that is removed answers the connections that wait to be accepted', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const { addresses } = await engine.listen([{}, { name: 'second' }])
  const port = addresses[0]?.port as number

  const waiting = Array.from({ length: 20 }, async () => (await flow.client({ port })).send(get).response())
  const statuses = Promise.all(waiting.map(async (answered) => (await answered).status))
  // Node connects in the next tick; nothing is accepted before the event loop turns.
  await new Promise<void>((resolve) => process.nextTick(resolve))
  await engine.listen([{}])

  expect(await statuses).toEqual(Array(20).fill(200))
})

test('no request is lost while listeners come and go', async () => {
  const origin = await flow.origin((_incoming, response) => response.end('ok'))
  const engine = await flow.engine({ origins: [origin] })
  const changes = { areDone: false }
  const statuses: number[] = []
  const load = Array.from({ length: 4 }, async () => {
    const client = await flow.client(engine)
    while (!changes.areDone) statuses.push((await client.send(get).response()).status)
  })

  for (let i = 0; i < 10; i++) {
    const { addresses } = await engine.listen([{}, { name: `extra ${i}` }])
    const { port } = addresses[0] as { port: number }
    const requests = Array.from({ length: 5 }, async () => ask(port))
    await Promise.all(requests)
    await engine.listen([{}])
    statuses.push(...(await Promise.all(requests)).map(({ status }) => status))
  }
  changes.areDone = true
  await Promise.all(load)

  expect(statuses.length).toBeGreaterThan(50)
  expect(new Set(statuses)).toEqual(new Set([200]))
})

test('an address that is taken is reported; the others are served', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  flow.defer(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })

  const { addresses, errors } = await engine.listen([{}, { name: 'taken', port }, { name: 'free' }])

  expect(errors).toEqual([{ listener: 'taken', code: 'EADDRINUSE', message: expect.stringContaining(String(port)) }])
  expect(addresses.map(({ listener }) => listener)).toEqual(['free'])
  expect((await ask(addresses[0]?.port as number)).status).toBe(200)

  // Once it is free, the next configuration opens it.
  taken.close()
  await once(taken, 'close')
  expect((await engine.listen([{}, { name: 'taken', port }])).addresses).toMatchObject([{ listener: 'taken', port }])
})

test('a listener that begins anew takes over its port at once', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  let { addresses } = await engine.listen([{}, { name: 'again 0' }])
  const port = addresses[0]?.port as number
  const kept = await flow.client({ port })
  await kept.send(get).response()

  for (let i = 1; i <= 5; i++) {
    const applied = await engine.listen([{}, { name: `again ${i}`, port }])
    addresses = applied.addresses
    expect(applied.errors).toEqual([])
    expect(addresses).toEqual([{ listener: `again ${i}`, host: '127.0.0.1', port }])
    expect((await ask(port)).status).toBe(200)
  }

  // The connection of before is let go, with time for a request that was on its way.
  expect((await kept.rest()).ending).toBe('fin')
})

test('new limits hold for connections that stand', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)
  await client.send(get).response()

  const limits = { headBytes: 100, headFields: 100, bodyBytes: null, connections: 10, connectionsPerClient: null }
  const { addresses } = await engine.listen([{ limits }])

  expect(addresses).toEqual([])
  const response = await client.send(`GET / HTTP/1.1\r\nhost: a\r\nx-long: ${'x'.repeat(200)}\r\n\r\n`).response()
  expect(header(response, 'x-tidegate-error')).toBe('headers-too-large')
})

test.each([
  ['in all', { connections: 2 }],
  ['per client', { connectionsPerClient: 2 }],
])('more connections than allowed %s are answered 503 and closed', async (_name, limits) => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin], listener: { limits } })
  const first = await flow.client(engine)
  const second = await flow.client(engine)
  await first.send(get).response()
  await second.send(get).response()

  const third = await flow.client(engine)
  const response = await third.response()

  expect(response.status).toBe(failures.overloaded.status)
  expect(header(response, 'x-tidegate-error')).toBe('overloaded')
  expect(header(response, 'retry-after')).toBe('1')
  expect((await third.rest()).ending).toBe('fin')
  expect((await first.send(get).response()).status).toBe(200)
  first.end()
  await first.rest()
  expect((await ask(engine.port)).status).toBe(200)
})

test('a client refused for its number of connections can’t hold on to one by sending', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin], listener: { limits: { connections: 1 } } })
  await flow.client(engine)
  const refused = await flow.client(engine)
  await refused.response()

  const dripping = setInterval(() => refused.send('x'), 50)
  flow.defer(() => clearInterval(dripping))
  await new Promise((resolve) => refused.socket.once('close', resolve))

  expect(refused.ending).toBe('fin')
})
