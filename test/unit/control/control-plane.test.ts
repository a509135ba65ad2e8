import { afterEach, describe, expect, it } from 'vitest'
import { config, makeControlPlane, service } from './control-plane-fixture.ts'
import { settled } from './fake-clock.ts'
import { answer, instance } from './scripted-watch.ts'

const a = instance('a-1')
const b = instance('b-2')
const c = instance('c-3')

let made: ReturnType<typeof makeControlPlane>[] = []
afterEach(async () => {
  await Promise.all(made.map(({ control }) => control.close()))
  made = []
})

function make() {
  const plane = makeControlPlane()
  made.push(plane)
  return plane
}

/** One service `users` that has a and b. */
async function withTwo() {
  const plane = make()
  plane.control.apply(config([service('users')]))
  plane.registry.of('users').says(answer([a, b], { position: 10 }))
  await settled()
  return plane
}

describe('the update line', () => {
  it('follows each routed service and sends the configuration before any list', async () => {
    const { control, registry, thread, served } = await withTwo()
    expect(registry.opened).toEqual(['users'])
    expect(thread.sent).toEqual(['tickets', 'config', 'users'])
    expect(served('users')).toEqual(['a-1 passing', 'b-2 passing'])
    expect(control.readiness()).toEqual({ ready: true, missing: [] })
  })

  it('leaves out services that no route names', () => {
    const { control, registry } = make()
    const given = config([service('users')])
    const snapshot = control.apply({ ...given, services: [...given.services, service('idle')] })
    expect([registry.opened, snapshot.services.map(({ name }) => name)]).toEqual([['users'], ['users']])
    expect(control.serviceView('idle')).toBeNull()
  })

  it('is ready once every service had its first answer, an empty one too', async () => {
    const { control, registry, thread } = make()
    control.apply(config([service('users'), service('orders')]))
    expect(control.readiness()).toEqual({ ready: false, missing: ['users', 'orders'] })
    registry.of('orders').says(answer([]))
    await settled()
    expect(control.readiness()).toEqual({ ready: false, missing: ['users'] })
    registry.of('users').says(answer([a]))
    await settled()
    expect(control.readiness()).toEqual({ ready: true, missing: [] })
    expect(thread.lists.get('orders')).toEqual([])
  })

  it('removes nothing on an error, tells of the outage once, and of its end', async () => {
    const { registry, clock, served, control, story, problems } = await withTwo()
    for (let i = 0; i < 5; i++) registry.of('users').fails('connection refused')
    await clock.advance(1000)
    expect(served('users')).toEqual(['a-1 passing', 'b-2 passing'])
    expect(control.serviceView('users')).toMatchObject({ stale: true, ageSeconds: 1 })
    registry.of('users').says(answer([a, b], { position: 11 }))
    await clock.advance(10_000)
    expect(control.serviceView('users')).toMatchObject({ stale: false, ageSeconds: 0 })
    expect(story()).toEqual(['added a-1', 'added b-2', 'source-lost', 'source-back'])
    expect(problems).toEqual([{ place: 'reg/users', message: 'connection refused' }])
    expect(control.stats().discovery).toEqual([
      {
        source: 'reg',
        service: 'users',
        ageSeconds: 0,
        updates: { changed: 1, same: 1, error: 5 },
        skipped: 0,
      },
    ])
    expect(control.stats().lists).toEqual([{ service: 'users', count: 1 }])
  })

  it('removes at once what an authoritative answer leaves out, down to none', async () => {
    const { registry, served, story, ledger, clock } = await withTwo()
    await clock.advance(100)
    expect(ledger.endpoint(0, 0).inflight()).toBe(0)
    registry.of('users').says(answer([]))
    await settled()
    expect(served('users')).toEqual([])
    expect(story().slice(2)).toEqual(['removed a-1', 'removed b-2'])
  })

  it('lets a removed endpoint finish what is in flight', async () => {
    const { registry, served, story, ledger, clock } = await withTwo()
    const cell = ledger.endpoint(0, 0)
    cell.acquire()
    registry.of('users').says(answer([b]))
    await clock.advance(5000)
    expect(served('users')).toEqual(['a-1 absent', 'b-2 passing'])
    cell.release()
    await clock.advance(1000)
    expect(served('users')).toEqual(['b-2 passing'])
    expect(story().slice(2)).toEqual(['draining a-1', 'removed a-1'])
  })

  it('gives a row to another endpoint only when all threads have let go of the first', async () => {
    const { registry, clock, ledger, thread, resume } = await withTwo()
    ledger.endpoint(0, 0).count(true)
    thread.stalls = true
    registry.of('users').says(answer([b]))
    await clock.advance(2000)
    registry.of('users').says(answer([b, c]))
    await settled()
    resume()
    expect(thread.lists.get('users')?.map(({ slot }) => slot)).toEqual([1, 2])
    await clock.advance(1000)
    registry.of('users').says(answer([a, b, c]))
    await settled()
    expect(thread.lists.get('users')?.map(({ slot }) => slot)).toEqual([1, 2, 0])
    expect(ledger.endpoint(0, 0).failures()).toBe(0)
  })

  it('tells of an identity that is listed twice and serves the last entry', async () => {
    const { registry, problems, control } = await withTwo()
    registry.of('users').says(answer([a, b, { ...a, weight: 5 }]))
    await settled()
    expect(problems).toEqual([{ place: 'reg/n1/a-1@10.0.0.1:9001', message: 'listed twice; the last entry counts' }])
    expect(control.serviceView('users')?.endpoints.map(({ weight }) => weight)).toEqual([5, 1])
  })
})

describe('ejections', () => {
  it('are told, counted and ended, however the endpoint fares in the catalog meanwhile', async () => {
    const { control, ledger, registry, clock, story } = await withTwo()
    ledger.endpoint(0, 0).eject('connect')
    const endpoint = 'reg/n1/a-1@10.0.0.1:9001'
    control.ejected({ service: 'users', endpoint, slot: 0, reason: 'connect', cause: 'it refused a connection' })
    registry.of('users').says(answer([b, { ...a, weight: 3 }]))
    await settled()
    expect(control.serviceView('users')?.endpoints[0]).toMatchObject({ state: 'ejected', weight: 3 })
    await clock.advance(1000)
    expect(control.serviceView('users')?.endpoints[0]).toMatchObject({ state: 'eligible' })
    expect(story().slice(2)).toEqual(['ejected a-1', 'restored a-1'])
    expect(control.stats().ejections).toEqual([{ service: 'users', instance: endpoint, reason: 'connect', count: 1 }])
  })

  it('of a thread that died before it could report are found in the Ledger', async () => {
    const { ledger, clock, story } = await withTwo()
    ledger.endpoint(1, 0).eject('connect')
    await clock.advance(2000)
    expect(story().slice(2)).toEqual(['ejected b-2'])
    await clock.advance(1000)
    expect(story().slice(2)).toEqual(['ejected b-2', 'restored b-2'])
  })

  it('end with their endpoint: the next one in its row keeps its own', async () => {
    const { control, ledger, registry, clock, story } = await withTwo()
    ledger.endpoint(0, 0).setEjectedUntil(ledger.toDeciseconds(clock.now() + 5000))
    ledger.endpoint(0, 0).eject('consecutive')
    const endpoint = 'reg/n1/a-1@10.0.0.1:9001'
    control.ejected({ service: 'users', endpoint, slot: 0, reason: 'consecutive', cause: '5 failures in a row' })
    registry.of('users').says(answer([b]))
    await clock.advance(1000)
    expect(control.stats().ejections).toEqual([])
    registry.of('users').says(answer([b, c]))
    await settled()
    ledger.endpoint(0, 0).eject('manual')
    await clock.advance(10_000)
    expect(ledger.endpoint(0, 0).ejection()).toBe('manual')
    expect(story().filter((event) => event.startsWith('restored'))).toEqual([])
  })

  it('of an endpoint that is gone mean nothing to the one that has its row now', async () => {
    const { control, registry, clock, story } = await withTwo()
    registry.of('users').says(answer([b]))
    await clock.advance(1000)
    registry.of('users').says(answer([b, c]))
    await settled()
    const endpoint = 'reg/n1/a-1@10.0.0.1:9001'
    control.ejected({ service: 'users', endpoint, slot: 0, reason: 'connect', cause: 'late' })
    control.ejected({ service: 'ghosts', endpoint, slot: 0, reason: 'connect', cause: 'late' })
    expect(story().slice(2)).toEqual(['removed a-1', 'added c-3'])
  })
})

describe('what the admin API sees', () => {
  it('is the registry’s word, our observation and the counts of each endpoint', async () => {
    const { control, ledger, clock } = await withTwo()
    const cell = ledger.endpoint(0, 0)
    cell.acquire()
    cell.count(true)
    cell.addLatency(12.5)
    cell.setEjectedUntil(ledger.toDeciseconds(clock.now() + 30_000))
    cell.eject('consecutive')
    expect(control.serviceViews()).toEqual([
      {
        name: 'users',
        source: 'reg',
        sources: [
          {
            source: 'reg',
            name: 'users',
            weightPercent: 100,
            answered: true,
            stale: false,
            ageSeconds: 0,
            instances: 2,
          },
        ],
        balancer: 'round-robin',
        stale: false,
        ageSeconds: 0,
        panic: false,
        load: {
          state: 'unlimited',
          inflight: 1,
          pending: 0,
          maxRequests: null,
          maxRequestsPerEndpoint: null,
          maxPending: null,
          search: null,
        },
        endpoints: [
          {
            id: 'reg/n1/a-1@10.0.0.1:9001',
            address: '10.0.0.1:9001',
            weight: 1,
            zone: '',
            version: '',
            registry: 'passing',
            state: 'ejected',
            reason: 'too many failures in a row',
            inflight: 1,
            requests: 1,
            failures: 1,
            latencyMs: 12.5,
            ejectedUntil: '2026-01-01T00:00:30.000Z',
            healthCheck: null,
            drainedUntil: null,
            sources: ['reg'],
          },
          expect.objectContaining({ address: '10.0.0.1:9002', state: 'eligible', ejectedUntil: null }),
        ],
      },
    ])
    ledger.endpoint(1, 0).eject('connect')
    expect(control.serviceView('users')).toMatchObject({ panic: true, endpoints: [{}, { ejectedUntil: null }] })
    expect(control.stats().endpoints).toEqual([
      { service: 'users', state: 'eligible', count: 0 },
      { service: 'users', state: 'ejected', count: 2 },
      { service: 'users', state: 'unhealthy', count: 0 },
      { service: 'users', state: 'draining', count: 0 },
    ])
    expect(control.stats().inflight.map(({ inflight }) => inflight)).toEqual([1, 0])
  })
})
