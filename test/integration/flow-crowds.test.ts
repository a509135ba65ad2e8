import { EventEmitter, on, once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { ServiceSettings } from '../../src/core/snapshot.ts'
import { maxConnecting } from '../../src/proxy/h1/pool.ts'
import { Authority } from '../support/certificates.ts'
import { useFlow } from '../support/flow.ts'
import { freePorts } from '../support/free-ports.ts'
import type { RawClient } from '../support/raw-client.ts'
import { expectProblem } from '../support/stage.ts'

const flow = useFlow()
const authority = Authority.create('crowds')
const tls = { ca: authority.cert, servername: 'crowd.test', keyPair: null, verify: true }

interface Arrived {
  readonly target: string
  readonly body: Promise<string>
  readonly response: ServerResponse
}

/** An endpoint over TLS whose connections stand only when the test lets them, since it begins a handshake when it is told to. */
async function startReluctant() {
  const events = new EventEmitter()
  const sockets: Socket[] = []
  const arrived: Arrived[] = []
  const secure = createSecureServer(
    authority.issue({ names: ['crowd.test'] }),
    (request: IncomingMessage, response) => {
      arrived.push({ target: request.url ?? '', body: text(request), response })
      events.emit('arrived')
    },
  )
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.pause()
    sockets.push(socket)
    events.emit('connected')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stopListening = () => new Promise<void>((resolve) => void server.close(() => resolve()))
  flow.defer(async () => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await stopListening()
  })
  return {
    port,
    sockets,
    /** Does not wait for connections to end, those that are open stay. */
    stopListening: () => void stopListening(),
    letStand: (index: number) => secure.emit('connection', sockets[index]),
    async connections(count: number) {
      for await (const _ of sockets.length >= count ? [] : on(events, 'connected')) if (sockets.length >= count) break
    },
    async request(index: number): Promise<Arrived> {
      while (arrived.length <= index) await once(events, 'arrived')
      return arrived[index] as Arrived
    },
  }
}

/** As many requests as may connect at once are connecting. */
async function crowded(service: Partial<ServiceSettings> = {}) {
  const endpoint = await startReluctant()
  const engine = await flow.engine({ origins: [endpoint], service: { ...service, tls } })
  const ask = async (target: string, method = 'GET', rest = '\r\n'): Promise<RawClient> => {
    const client = await flow.client(engine)
    return client.send(`${method} ${target} HTTP/1.1\r\nhost: a\r\n${rest}`)
  }
  const first = await ask('/first')
  await endpoint.connections(1)
  endpoint.letStand(0)
  const answered = await endpoint.request(0)
  const connecting: RawClient[] = []
  for (let i = 0; i < maxConnecting; i++) connecting.push(await ask(`/connecting-${i}`))
  await endpoint.connections(1 + maxConnecting)
  const inflight = async (count: number) => {
    while (engine.ledger.endpoint(engine.slot(endpoint.port), -1).inflight() !== count) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { endpoint, engine, ask, first, answered, connecting, inflight }
}

test('a request beyond the connections that may be on their way takes one that another is done with', async () => {
  const { endpoint, ask, first, answered, inflight } = await crowded()
  const late = await ask('/late', 'POST', 'content-length: 5\r\n\r\nhello')
  await inflight(maxConnecting + 2)
  answered.response.end('one')
  expect(await first.response()).toMatchObject({ status: 200, body: 'one' })

  const carried = await endpoint.request(1)
  expect([carried.target, await carried.body]).toEqual(['/late', 'hello'])
  carried.response.end('two')
  expect(await late.response()).toMatchObject({ status: 200, body: 'two' })
  expect(endpoint.sockets).toHaveLength(1 + maxConnecting)
})

test('it connects once one of them stands, in the order in which they came', async () => {
  const { endpoint, ask, inflight } = await crowded()
  const late: RawClient[] = []
  for (let i = 0; i < 3; i++) {
    late.push(await ask(`/late-${i}`))
    await inflight(maxConnecting + 2 + i)
  }
  for (let i = 0; i < 3; i++) {
    endpoint.letStand(1 + i)
    expect((await endpoint.request(1 + 2 * i)).target).toBe(`/connecting-${i}`)
    await endpoint.connections(2 + maxConnecting + i)
    endpoint.letStand(1 + maxConnecting + i)
    const carried = await endpoint.request(2 + 2 * i)
    expect(carried.target).toBe(`/late-${i}`)
    carried.response.setHeader('connection', 'close')
    carried.response.end('done')
    expect((await late[i]?.response())?.body).toBe('done')
  }
})

test('it connects once a client before it has left, and not when its own has', async () => {
  const { endpoint, ask, inflight, connecting } = await crowded()
  const leaving = await ask('/leaving')
  await inflight(maxConnecting + 2)
  const late = await ask('/late')
  await inflight(maxConnecting + 3)
  leaving.reset()
  await inflight(maxConnecting + 2)
  connecting[5]?.reset()
  await endpoint.connections(2 + maxConnecting)
  endpoint.letStand(1 + maxConnecting)
  const carried = await endpoint.request(1)
  expect(carried.target).toBe('/late')
  carried.response.end('done')
  expect((await late.response()).body).toBe('done')
})

test('all that wait are refused with the first that is', async () => {
  const { endpoint, ask, inflight, engine } = await crowded({ connectTimeoutMs: 60_000 })
  const late: RawClient[] = []
  for (let i = 0; i < 10; i++) late.push(await ask(`/late-${i}`))
  await inflight(maxConnecting + 11)
  endpoint.stopListening()
  // One of those that connect makes room for one that does not get through.
  endpoint.sockets[1]?.destroy()
  for (const client of late) expectProblem(await client.response(), 'connect-refused')
  expect(engine.ledger.endpoint(engine.slot(endpoint.port), -1).ejection()).toBe('connect')
  await inflight(maxConnecting)
})

test('to wait for a connection takes no longer than to connect may', async () => {
  const { ask } = await crowded({ connectTimeoutMs: 100 })
  const late = await ask('/late')
  expectProblem(await late.response(), 'connect-timeout')
})

test('one that needs a connection of its own keeps nobody behind it from one that is free', async () => {
  const { endpoint, engine, ask, first, answered, inflight } = await crowded({ connectTimeoutMs: 60_000 })
  const [refusing = 0] = await freePorts(1)
  await engine.publish([endpoint, { port: refusing, weight: 1000 }])
  await ask('/retried')
  await inflight(maxConnecting + 2)
  expect(engine.ledger.endpoint(engine.slot(refusing), -1).ejection()).toBe('connect')
  const late = await ask('/late')
  await inflight(maxConnecting + 3)
  answered.response.end('one')
  expect((await first.response()).body).toBe('one')

  const carried = await endpoint.request(1)
  expect(carried.target).toBe('/late')
  carried.response.end('two')
  expect((await late.response()).body).toBe('two')
})

test('what waited for its turn while the endpoint took others is no evidence against it', async () => {
  const { endpoint, engine, ask, connecting, inflight } = await crowded({ connectTimeoutMs: 3000 })
  const late: RawClient[] = []
  for (let i = 0; i < 3; i++) {
    late.push(await ask(`/late-${i}`))
    await inflight(maxConnecting + 2 + i)
  }
  endpoint.letStand(1)
  await endpoint.request(1)
  for (const client of [...connecting.slice(1), ...late]) expectProblem(await client.response(), 'connect-timeout')

  const cell = engine.ledger.endpoint(engine.slot(endpoint.port), -1)
  expect(cell.consecutiveFailures()).toBe(maxConnecting - 1)
})

test('whoever waits for a connection to an endpoint that is gone goes to another, with its body and whatever its method', async () => {
  const { endpoint, engine, ask, inflight, connecting } = await crowded({ connectTimeoutMs: 60_000 })
  const late = [await ask('/late', 'POST', 'content-length: 5\r\n\r\nhello'), await ask('/later')]
  await inflight(maxConnecting + 3)
  const gone = engine.slot(endpoint.port)
  const other = await startReluctant()
  await engine.publish([other])
  // The one that is answered stays where it is.
  expect(engine.ledger.endpoint(gone, -1).inflight()).toBe(1)
  const all = [...connecting, ...late]
  const bodies = new Map<string, string>()
  for (let i = 0; i < all.length; i++) {
    await other.connections(i + 1)
    other.letStand(i)
    const { target, body, response } = await other.request(i)
    bodies.set(target, await body)
    response.end(target)
  }
  const targets = [...connecting.map((_, i) => `/connecting-${i}`), '/late', '/later']
  expect([...bodies.keys()].toSorted()).toEqual(targets.toSorted())
  expect(bodies.get('/late')).toBe('hello')
  for (const [i, client] of all.entries()) {
    expect(await client.response()).toMatchObject({ status: 200, body: targets[i] })
  }
  // Nobody took another connection to where it had waited, and it is not blamed.
  expect(endpoint.sockets).toHaveLength(1 + maxConnecting)
  expect(engine.ledger.endpoint(gone, -1).consecutiveFailures()).toBe(0)
})

test('where there is no other endpoint, they wait on for the one that is gone', async () => {
  const { endpoint, engine, ask, inflight } = await crowded()
  const late = await ask('/late')
  await inflight(maxConnecting + 2)
  await engine.publish([])
  endpoint.letStand(1)
  const carried = await endpoint.request(1)
  expect(carried.target).toBe('/connecting-0')
  await endpoint.connections(2 + maxConnecting)
  endpoint.letStand(1 + maxConnecting)
  expect((await endpoint.request(2)).target).toBe('/late')
  ;(await endpoint.request(2)).response.end('done')
  expect((await late.response()).body).toBe('done')
})

test('nor do they go where all have as much as they may', async () => {
  const [leaving, full] = [await startReluctant(), await startReluctant()]
  const limits = { requests: null, findsRequests: false, requestsPerEndpoint: 1, pending: 0, pendingTimeoutMs: 1000 }
  const engine = await flow.engine({ origins: [leaving], service: { tls, limits } })
  const ask = async (target: string) => (await flow.client(engine)).send(`GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`)
  const waiting = await ask('/waiting')
  await leaving.connections(1)
  await engine.publish([leaving, full])
  const served = await ask('/served')
  await full.connections(1)
  full.letStand(0)
  const held = await full.request(0)
  await engine.publish([full])
  leaving.letStand(0)
  const carried = await leaving.request(0)
  expect(carried.target).toBe('/waiting')
  carried.response.end('done')
  expect(await waiting.response()).toMatchObject({ status: 200, body: 'done' })
  held.response.end('too')
  expect((await served.response()).body).toBe('too')
})
