import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { EngineName, ServiceLimits } from '../../src/core/snapshot.ts'
import type { MemoryReading } from '../../src/workers/memory-watch.ts'
import type { Engine, EngineOptions } from '../support/engine.ts'
import { ask, useFlow } from '../support/flow.ts'
import { freePorts } from '../support/free-ports.ts'
import { answer } from '../support/recording-origin.ts'

const flow = useFlow()
const engines: readonly EngineName[] = ['fast', 'standard']

function limits(changes: Partial<ServiceLimits>): { limits: ServiceLimits } {
  return {
    limits: {
      requests: null,
      findsRequests: false,
      requestsPerEndpoint: null,
      pending: null,
      pendingTimeoutMs: 10_000,
      ...changes,
    },
  }
}

/** An origin that answers when it is told to. */
async function gatedOrigin() {
  const held: { readonly url: string; readonly response: ServerResponse }[] = []
  let arrived = Promise.withResolvers<void>()
  let most = 0
  const served: string[] = []
  const origin = await flow.origin(({ url = '' }: IncomingMessage, response) => {
    held.push({ url, response })
    served.push(url)
    most = Math.max(most, held.length)
    arrived.resolve()
    arrived = Promise.withResolvers()
  })
  return {
    port: origin.port,
    served,
    get most() {
      return most
    },
    async holds(count: number): Promise<void> {
      while (held.length < count) await arrived.promise
    },
    async received(count: number): Promise<void> {
      while (served.length < count) await arrived.promise
    },
    release(count = held.length, status = 200): void {
      for (const { url, response } of held.splice(0, count)) response.writeHead(status).end(url)
    },
  }
}

/** Resolves when that many requests wait, by the count in the Ledger. */
async function untilWaiting(engine: Engine, count: number): Promise<void> {
  const { waiting } = engine.ledger.admission(0, -1)
  while (waiting.count() !== count) await new Promise((resolve) => void setImmediate(resolve))
}

/** Whatever was counted in flight or waiting is taken back. */
async function expectNothingCounted({ ledger }: Engine): Promise<void> {
  const cell = ledger.admission(0, -1)
  // The last answer reaches its client before its exchange is settled.
  await new Promise((resolve) => void setImmediate(resolve))
  expect([cell.inflight.count(), cell.waiting.count()]).toEqual([0, 0])
}

function expectOverloaded({ status, headers }: Awaited<ReturnType<typeof ask>>): void {
  expect({ status, error: headers['x-tidegate-error'], after: headers['retry-after'] }).toEqual({
    status: 503,
    error: 'overloaded',
    after: '1',
  })
}

describe.each(engines)('engine: %s', (name) => {
  const start = async (options: EngineOptions): Promise<Engine> => {
    const engine = await flow.engine({ ...options, listener: { engine: name } })
    flow.defer(() => expectNothingCounted(engine))
    return engine
  }

  test('a service gets no more requests at a time than it may, and those that wait come in order', async () => {
    const origin = await gatedOrigin()
    const engine = await start({ origins: [origin], service: limits({ requests: 2, pending: 10 }) })

    const answers = []
    for (let i = 0; i < 8; i++) {
      answers.push(ask(engine.port, { path: `/${i}` }))
      if (i < 2) await origin.holds(i + 1)
      else await untilWaiting(engine, i - 1)
    }
    for (let i = 0; i < 8; i++) {
      await origin.received(Math.min(i + 2, 8))
      origin.release(1)
    }

    expect((await Promise.all(answers)).map(({ body }) => String(body))).toEqual(origin.served)
    expect(origin.served).toEqual(Array.from({ length: 8 }, (_, i) => `/${i}`))
    expect(origin.most).toBe(2)
  })

  test('a request is turned away at once when there is nowhere to wait', async () => {
    const origin = await gatedOrigin()
    const engine = await start({ origins: [origin], service: limits({ requests: 1, pending: 1 }) })
    const first = ask(engine.port)
    await origin.holds(1)
    const second = ask(engine.port)
    await untilWaiting(engine, 1)

    expectOverloaded(await ask(engine.port))

    expect(origin.served).toHaveLength(1)
    origin.release()
    await origin.holds(1)
    origin.release()
    expect([(await first).status, (await second).status]).toEqual([200, 200])
  })

  test('as many may wait as may be in flight, unless it is said', async () => {
    const origin = await gatedOrigin()
    const engine = await start({ origins: [origin], service: limits({ requests: 3 }) })
    const answers = Array.from({ length: 6 }, () => ask(engine.port))
    await origin.holds(3)
    await untilWaiting(engine, 3)

    expectOverloaded(await ask(engine.port))

    origin.release()
    await origin.received(6)
    origin.release()
    expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true)
  })

  test('a request that waited too long is turned away, and its endpoint never sees it', async () => {
    const origin = await gatedOrigin()
    const engine = await start({ origins: [origin], service: limits({ requests: 1, pendingTimeoutMs: 100 }) })
    const first = ask(engine.port)
    await origin.holds(1)

    expectOverloaded(await ask(engine.port))

    origin.release()
    expect((await first).status).toBe(200)
    expect(origin.served).toHaveLength(1)
    expect((await engine.settledAt(1)).failure).toBe('overloaded')
  })

  test('a client that leaves gives up its place in the queue', async () => {
    const origin = await gatedOrigin()
    const engine = await start({ origins: [origin], service: limits({ requests: 1, pending: 1 }) })
    const first = ask(engine.port)
    await origin.holds(1)
    const leaving = await flow.client(engine)
    leaving.send('GET /leaves HTTP/1.1\r\nhost: a\r\n\r\n')
    await untilWaiting(engine, 1)
    leaving.destroy()
    await untilWaiting(engine, 0)
    const second = ask(engine.port, { path: '/second' })
    await untilWaiting(engine, 1)

    origin.release()
    await origin.holds(1)
    origin.release()

    expect([(await first).status, (await second).status]).toEqual([200, 200])
    expect(origin.served).toEqual(['/', '/second'])
  })

  test('a body that comes while its request waits goes out with it', async () => {
    const waiting = await gatedOrigin()
    const engine = await start({ origins: [waiting], service: limits({ requests: 1 }) })
    const first = ask(engine.port)
    await waiting.holds(1)
    const body = Buffer.alloc(300_000, 'x')
    const second = ask(engine.port, { method: 'POST', path: '/post', body })
    await untilWaiting(engine, 1)

    waiting.release()
    await waiting.holds(1)
    waiting.release()

    expect([(await first).status, (await second).status]).toEqual([200, 200])
    expect((await engine.settledAt(2)).requestBytes).toBe(body.length)
  })

  test.each(['round-robin', 'least-request', 'p2c', 'random'])(
    '%s passes over an endpoint that has as many as it may',
    async (balancer) => {
      const origins = [await gatedOrigin(), await gatedOrigin(), await gatedOrigin()]
      const engine = await start({ origins, service: { balancer, ...limits({ requestsPerEndpoint: 2, pending: 0 }) } })

      const answers = Array.from({ length: 6 }, () => ask(engine.port))
      await Promise.all(origins.map((origin) => origin.holds(2)))
      expectOverloaded(await ask(engine.port))
      for (const origin of origins) origin.release()

      expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true)
      expect(origins.map(({ most }) => most)).toEqual([2, 2, 2])
    },
  )

  test('requests wait while every endpoint has as many as it may', async () => {
    const origins = [await gatedOrigin(), await gatedOrigin()]
    const engine = await start({ origins, service: limits({ requestsPerEndpoint: 1 }) })
    const answers = Array.from({ length: 3 }, () => ask(engine.port))
    await Promise.all(origins.map((origin) => origin.holds(1)))
    await untilWaiting(engine, 1)

    origins[1]?.release()
    await origins[1]?.received(2)
    for (const origin of origins) origin.release()

    expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true)
    expect(origins.map(({ served }) => served.length)).toEqual([1, 2])
  })

  /** The one that has room while the answer is dropped has none after the back-off. */
  async function droppedAnswer(changes: Partial<ServiceLimits>) {
    const bad = await gatedOrigin()
    const good = await flow.rawOrigin(() => answer('good'))
    const engine = await start({
      origins: [bad, good],
      route: { retry: { statuses: [503] } },
      service: limits({ requestsPerEndpoint: 1, ...changes }),
    })
    const [badCell, goodCell] = [bad, good].map(({ port }) => engine.ledger.endpoint(engine.slot(port), 0))
    if (badCell === undefined || goodCell === undefined) throw new Error('no cells')
    goodCell.acquire()
    const asked = ask(engine.port)
    await bad.holds(1)
    goodCell.release()
    bad.release(1, 503)
    while (badCell.inflight() !== 0) await new Promise((resolve) => void setImmediate(resolve))
    goodCell.acquire()
    return { engine, asked, goodCell }
  }

  describe('a retry whose other endpoints have as many as they may', () => {
    test.each([
      ['a reset', async () => flow.rawOrigin(({ connection }) => void connection.socket.resetAndDestroy())],
      ['a refused connection', async () => ({ port: (await freePorts(1))[0] as number })],
    ])('waits for one of them after %s', async (_what, failing) => {
      const busy = await gatedOrigin()
      const bad = await failing()
      const engine = await start({ origins: [busy], service: limits({ requestsPerEndpoint: 1 }) })
      const first = ask(engine.port)
      await busy.holds(1)
      await engine.publish([busy, bad])

      const second = ask(engine.port, { method: 'PUT', path: '/second', body: 'kept' })
      await untilWaiting(engine, 1)
      busy.release()
      await busy.received(2)
      busy.release()

      expect([(await first).status, (await second).status]).toEqual([200, 200])
      expect(busy.served).toEqual(['/', '/second'])
      expect(busy.most).toBe(1)
    })

    test('keeps nobody from the endpoint that it was at', async () => {
      let isReset = false
      const once = await flow.rawOrigin(({ connection }) => {
        if (isReset) return answer('room')
        isReset = true
        return void connection.socket.resetAndDestroy()
      })
      const busy = await gatedOrigin()
      const engine = await start({ origins: [busy], service: limits({ requestsPerEndpoint: 1, pending: 1 }) })
      const first = ask(engine.port)
      await busy.holds(1)
      await engine.publish([busy, once])
      const second = ask(engine.port, { path: '/second' })
      await untilWaiting(engine, 1)

      expect(String((await ask(engine.port)).body)).toBe('room')

      busy.release()
      await busy.received(2)
      busy.release()
      expect([(await first).status, (await second).status]).toEqual([200, 200])
    })

    test.each([
      ['that waited too long', { pendingTimeoutMs: 100 }],
      ['that has nowhere to wait', { pending: 0 }],
    ])('and %s is turned away', async (_what, changes) => {
      const [port = 0] = await freePorts(1)
      const busy = await gatedOrigin()
      const engine = await start({ origins: [busy], service: limits({ requestsPerEndpoint: 1, ...changes }) })
      const first = ask(engine.port)
      await busy.holds(1)
      await engine.publish([busy, { port }])

      expectOverloaded(await ask(engine.port))

      busy.release()
      expect((await first).status).toBe(200)
    })

    test('gives up its places when its client leaves', async () => {
      const [port = 0] = await freePorts(1)
      const busy = await gatedOrigin()
      const engine = await start({ origins: [busy], service: limits({ requests: 2, requestsPerEndpoint: 1 }) })
      const first = ask(engine.port)
      await busy.holds(1)
      await engine.publish([busy, { port }])
      const leaving = await flow.client(engine)
      leaving.send('GET /leaves HTTP/1.1\r\nhost: a\r\n\r\n')
      await untilWaiting(engine, 1)

      leaving.destroy()
      await untilWaiting(engine, 0)

      busy.release()
      expect((await first).status).toBe(200)
      expect(busy.served).toEqual(['/'])
    })

    test('waits for one of them after an answer that was dropped', async () => {
      const { engine, asked, goodCell } = await droppedAnswer({})
      await untilWaiting(engine, 1)
      goodCell.release()

      expect(String((await asked).body)).toBe('good')
    })

    test('is never told that there is no endpoint', async () => {
      const { asked, goodCell } = await droppedAnswer({ pending: 0 })

      expectOverloaded(await asked)
      goodCell.release()
    })
  })

  test('limits that are raised or lifted let in those that wait', async () => {
    const origin = await gatedOrigin()
    const engine = await start({ origins: [origin], service: limits({ requests: 1, pending: 5 }) })
    const answers = Array.from({ length: 4 }, () => ask(engine.port))
    await untilWaiting(engine, 3)

    await engine.reconfigureService(limits({ requests: 2, pending: 5 }))
    await origin.holds(2)
    await engine.reconfigureService({ limits: null })
    await origin.holds(4)
    origin.release()

    expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true)
  })

  test('a service without an endpoint says so, whatever its limits', async () => {
    const engine = await start({ origins: [], service: limits({ requests: 1, requestsPerEndpoint: 1 }) })

    for (let i = 0; i < 3; i++) expect((await ask(engine.port)).headers['x-tidegate-error']).toBe('no-endpoint')
  })

  test('new requests are turned away while memory is short, those under way are finished, and then all is as before', async () => {
    const reading: MemoryReading = { heapBytes: 1, heapLimitBytes: 100, processBytes: 1, processLimitBytes: 100 }
    let memory = reading
    const origin = await gatedOrigin()
    const engine = await start({ origins: [origin], memory: () => memory })
    const first = ask(engine.port)
    await origin.holds(1)

    memory = { ...reading, processBytes: 95 }
    const begun = await engine.message('shedding')
    const shed = await ask(engine.port)
    origin.release()

    expect(begun).toMatchObject({ isShedding: true, cause: "the process's memory is at 95 % of its limit" })
    expectOverloaded(shed)
    expect(shed.headers['connection']).toBe('close')
    expect((await first).status).toBe(200)

    memory = reading
    let isOver = false
    while (!isOver) {
      await new Promise((resolve) => void setImmediate(resolve))
      isOver = engine.messages.some((message) => message.type === 'shedding' && !message.isShedding)
    }
    const last = ask(engine.port)
    await origin.holds(1)
    origin.release()
    expect((await last).status).toBe(200)
  })
})
