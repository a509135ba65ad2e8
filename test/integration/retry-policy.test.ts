import { EventEmitter, once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { EngineName } from '../../src/core/snapshot.ts'
import type { Engine, EngineOptions } from '../support/engine.ts'
import { ask, useFlow } from '../support/flow.ts'
import { freePorts } from '../support/free-ports.ts'
import { answer, type RecordedRequest, type RecordingOrigin } from '../support/recording-origin.ts'

const flow = useFlow()
const engines: readonly EngineName[] = ['fast', 'standard']
/** Failures are counted, and nobody is ejected for them: each attempt finds all endpoints. */
const patient = {
  outlier: { consecutiveFailures: 1e9, baseEjectionMs: 1, maxEjectionMs: 1, maxEjectedPercent: 0, successRate: null },
}

function busy(): string {
  return answer('busy', '503 Service Unavailable', 'x-from: origin\r\n')
}

function hinting(): string {
  return `HTTP/1.1 103 Early Hints\r\n\r\n${busy()}`
}

function reset({ connection }: RecordedRequest): void {
  connection.socket.resetAndDestroy()
}

/** Requests by their id, over all origins; each origin's own are looked at for repetitions. */
function sightings(origins: readonly RecordingOrigin[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { requests } of origins) {
    const ids = requests.map(({ target }) => target)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}

describe.each(engines)('engine: %s', (name) => {
  const start = async (options: EngineOptions): Promise<Engine> =>
    flow.engine({ service: patient, ...options, listener: { engine: name } })

  describe('an answer that the route would rather have from another endpoint', () => {
    test('is dropped, and the next one reaches the client', async () => {
      const bad = await flow.rawOrigin(busy)
      const good = await flow.rawOrigin((request) => answer(`${request.method} ${request.body}`))
      const engine = await start({ origins: [bad, good], route: { retry: { statuses: [503] } } })

      for (let i = 0; i < 4; i++) {
        const response = await ask(engine.port, { method: 'PUT', path: `/${i}`, body: 'kept' })
        expect([response.status, String(response.body)]).toEqual([200, 'PUT kept'])
      }

      expect(bad.requests.length).toBeGreaterThan(0)
      expect(Math.max(...engine.settled.map(({ attempts }) => attempts))).toBe(2)
      sightings([bad, good])
    })

    test('is evidence against its endpoint', async () => {
      const bad = await flow.rawOrigin(busy)
      const good = await flow.rawOrigin()
      const engine = await start({ origins: [bad, good], route: { retry: { statuses: [503] } } })

      for (let i = 0; i < 4; i++) await ask(engine.port)

      const cell = engine.ledger.endpoint(engine.slot(bad.port), -1)
      expect([cell.consecutiveFailures(), cell.failures()]).toEqual([bad.requests.length, bad.requests.length])
    })

    test('reaches the client as it came when no other endpoint is left', async () => {
      const origins = [await flow.rawOrigin(busy), await flow.rawOrigin(busy)]
      const engine = await start({ origins, route: { retry: { attempts: 5, statuses: [503] } } })

      const { status, headers, body } = await ask(engine.port)

      expect({ status, from: headers['x-from'], body: String(body) }).toEqual({
        status: 503,
        from: 'origin',
        body: 'busy',
      })
      expect(headers['x-tidegate-error']).toBeUndefined()
      expect(origins.map(({ requests }) => requests.length)).toEqual([1, 1])
    })

    test('reaches the client once the attempts are used up', async () => {
      const origins = await Promise.all(Array.from({ length: 4 }, () => flow.rawOrigin(busy)))
      const engine = await start({ origins, route: { retry: { attempts: 2, statuses: [503] } } })

      expect((await ask(engine.port)).status).toBe(503)

      expect(origins.reduce((sum, { requests }) => sum + requests.length, 0)).toBe(3)
    })

    test.each(['POST', 'PATCH'])('is a %s’s own: it is never sent twice', async (method) => {
      const origins = [await flow.rawOrigin(busy), await flow.rawOrigin()]
      const engine = await start({ origins, route: { retry: { statuses: [502, 503, 504] } } })

      const statuses: number[] = []
      for (let i = 0; i < 4; i++) statuses.push((await ask(engine.port, { method, path: `/${i}`, body: 'x' })).status)

      expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 503, 503])
      expect([...sightings(origins).values()]).toEqual([1, 1, 1, 1])
    })

    test('is the client’s where the route does not name it', async () => {
      const origins = [await flow.rawOrigin(busy), await flow.rawOrigin(busy)]
      const engine = await start({ origins, route: { retry: { statuses: [502, 504] } } })

      expect((await ask(engine.port)).status).toBe(503)
      expect((await engine.settledAt(1)).attempts).toBe(1)
    })

    test('is the client’s when the body was more than is kept', async () => {
      const origins = [await flow.rawOrigin(busy), await flow.rawOrigin(busy)]
      const engine = await start({ origins, route: { retry: { statuses: [503] } } })

      expect((await ask(engine.port, { method: 'PUT', body: Buffer.alloc(64 * 1024 + 1) })).status).toBe(503)
      expect((await engine.settledAt(1)).attempts).toBe(1)
    })

    test('is the client’s when something went ahead of it', async () => {
      const origins = [await flow.rawOrigin(hinting), await flow.rawOrigin(hinting)]
      const engine = await start({ origins, route: { retry: { statuses: [503] } } })

      expect((await ask(engine.port)).status).toBe(503)
      expect((await engine.settledAt(1)).attempts).toBe(1)
    })

    test('has its connection closed where its body is still on its way', async () => {
      const slow = await flow.rawOrigin(() => 'HTTP/1.1 503 Busy\r\ncontent-length: 1000\r\n\r\nsome')
      const good = await flow.rawOrigin()
      const engine = await start({ origins: [slow, good], route: { retry: { statuses: [503] } } })

      for (let i = 0; i < 2; i++) expect((await ask(engine.port, { path: `/${i}` })).status).toBe(200)

      await (await slow.connectionAt(1)).closed()
    })
  })

  test('a time per attempt makes a silent endpoint’s request go to another one, where the route asks for it', async () => {
    const silent = await flow.rawOrigin(() => {})
    const good = await flow.rawOrigin()
    const engine = await start({ origins: [silent, good], route: { retry: { headTimeout: true, perTryMs: 100 } } })

    for (let i = 0; i < 2; i++) expect((await ask(engine.port, { path: `/${i}` })).status).toBe(200)

    expect(silent.requests.length).toBeGreaterThan(0)
    expect(engine.settled.filter(({ attempts }) => attempts === 2)).toHaveLength(silent.requests.length)
  })

  test('a time per attempt alone ends the request', async () => {
    const silent = [await flow.rawOrigin(() => {}), await flow.rawOrigin(() => {})]
    const engine = await start({ origins: silent, route: { retry: { perTryMs: 100 } } })

    expect((await ask(engine.port)).headers['x-tidegate-error']).toBe('head-timeout')
    expect((await engine.settledAt(1)).attempts).toBe(1)
  })

  test('all attempts together take no longer than the route allows', async () => {
    const silent = await Promise.all(Array.from({ length: 5 }, () => flow.rawOrigin(() => {})))
    const retry = { attempts: 10, headTimeout: true, perTryMs: 100 }
    const engine = await start({ origins: silent, route: { timeoutMs: 250, retry } })

    const { status } = await ask(engine.port)

    // Five attempts would be five times 100 ms: the deadline came first, in an attempt or between two.
    expect(status).toBe(504)
    expect((await engine.settledAt(1)).attempts).toBeLessThan(5)
  })

  test('nothing is sent again once an interim answer reached the client', async () => {
    const hint = 'HTTP/1.1 103 Early Hints\r\nlink: <a>; rel=preload\r\n\r\n'
    const origins = [await flow.rawOrigin(() => hint), await flow.rawOrigin(() => hint)]
    const engine = await start({ origins, route: { retry: { headTimeout: true, perTryMs: 100 } } })

    expect((await ask(engine.port)).headers['x-tidegate-error']).toBe('head-timeout')
    expect((await engine.settledAt(1)).attempts).toBe(1)
    expect(origins.reduce((sum, { requests }) => sum + requests.length, 0)).toBe(1)
  })

  test('a time per attempt runs from the request fully sent, not while the endpoint takes its time with it', async () => {
    const uploads = new EventEmitter()
    // Answers uploads when they are let go on, and nothing else.
    const slow = await flow.origin((request, response) => {
      if (request.method === 'POST')
        uploads.emit('begun', () => request.resume().on('end', () => response.end('got it')))
    })
    const engine = await start({ origins: [slow], route: { retry: { perTryMs: 400 } } })

    const begun = once(uploads, 'begun') as Promise<[() => void]>
    const uploaded = ask(engine.port, { method: 'POST', body: Buffer.alloc(16 << 20) })
    const [goOn] = await begun
    // The time of an attempt goes by, twice.
    for (let i = 0; i < 2; i++) expect((await ask(engine.port)).status).toBe(504)
    goOn()

    const { status, body } = await uploaded
    expect([status, String(body)]).toEqual([200, 'got it'])
  })

  test('a list without `connect` leaves a refused connection to the client', async () => {
    const [refusing = 0, alsoRefusing = 0] = await freePorts(2)
    const engine = await start({
      origins: [{ port: refusing }, { port: alsoRefusing }],
      route: { retry: { connect: false } },
    })

    expect((await ask(engine.port)).headers['x-tidegate-error']).toBe('connect-refused')
    expect((await engine.settledAt(1)).attempts).toBe(1)
  })

  test('a list without `reset` leaves a reset to the client', async () => {
    const origins = [await flow.rawOrigin(reset), await flow.rawOrigin(reset)]
    const engine = await start({ origins, route: { retry: { reset: false, statuses: [503] } } })

    expect((await ask(engine.port)).headers['x-tidegate-error']).toBe('reset-before-head')
    expect((await engine.settledAt(1)).attempts).toBe(1)
  })

  test.each([
    ['resets', reset],
    ['answers 503', busy],
  ])(
    'while every endpoint %s, the budget bounds what they get, and none gets a request twice',
    async (_how, script) => {
      const bad = await Promise.all(Array.from({ length: 3 }, () => flow.rawOrigin(script)))
      const engine = await start({ origins: bad, route: { retry: { attempts: 3, statuses: [503] } } })
      const count = 600

      const startedMs = performance.now()
      await Promise.all(Array.from({ length: count }, (_, i) => ask(engine.port, { path: `/${i}` })))
      const seconds = (performance.now() - startedMs) / 1000

      const seen = [...sightings(bad).values()]
      const received = seen.reduce((sum, times) => sum + times, 0)
      expect(seen).toHaveLength(count)
      expect(received).toBeGreaterThan(count * 1.1)
      // A fifth of the requests, ten for each second that passed, and what ten seconds had saved up.
      expect(received).toBeLessThanOrEqual(count * 1.2 + 10 * Math.ceil(seconds) + 100)
    },
  )

  test('a service without a budget has its requests sent once', async () => {
    const bad = [await flow.rawOrigin(reset), await flow.rawOrigin(reset)]
    const service = { ...patient, retryBudget: { percent: 0, perSecond: 0 } }
    const engine = await start({ origins: bad, service })

    for (let i = 0; i < 20; i++) await ask(engine.port)

    expect(engine.settled.every(({ attempts }) => attempts === 1)).toBe(true)
  })
})
