import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { config, from, makeControlPlane, service } from './control-plane-fixture.ts'
import { settled } from './fake-clock.ts'
import { answer, instance } from './scripted-watch.ts'

const a = instance('a-1')
const b = instance('b-2')
/** At a name that was found, and that was not. */
const named = (name: string, port: number) => instance(`${name}-${port}`, { host: '10.0.0.2', hostName: name, port })
const unfound = (name: string, port: number) => instance(`${name}-${port}`, { host: name, port })

let stateDir = ''
let made: ReturnType<typeof makeControlPlane>[] = []
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'tidegate-control-'))
})
afterEach(async () => {
  await Promise.all(made.map(({ control }) => control.close()))
  made = []
  await rm(stateDir, { recursive: true })
})

function make(given: { stateDir?: string } = {}) {
  const plane = makeControlPlane(given)
  made.push(plane)
  return plane
}

/** `users` had a and b; then its registry failed and came back with another answer. */
async function afterOutage(now: Parameters<typeof answer>[0], services = [service('users')]) {
  const plane = make()
  plane.control.apply(config(services))
  for (const { key } of services) plane.registry.of(key).says(answer(key === 'users' ? [a, b] : [], { position: 50 }))
  await settled()
  plane.registry.of('users').fails()
  plane.registry.of('users').says(answer(now, { position: 60 }))
  await plane.clock.advance(100)
  return plane
}

/** A process that knew a and b, and ended. */
async function remember() {
  const plane = make({ stateDir })
  plane.control.apply(config([service('users')]))
  plane.registry.of('users').says(answer([a, b], { position: 50 }))
  await settled()
  await plane.control.close()
}

describe('a registry that may have forgotten', () => {
  it('does not lose the service its instances while they re-register', async () => {
    const { served, registry, clock, story } = await afterOutage([])
    expect(served('users')).toEqual(['a-1 held', 'b-2 held'])
    registry.of('users').says(answer([{ ...a, status: 'critical' }]))
    await clock.advance(20_000)
    expect(served('users')).toEqual(['a-1 held', 'b-2 held'])
    registry.of('users').says(answer([a]))
    await settled()
    expect(served('users')).toEqual(['a-1 passing', 'b-2 held'])
    registry.of('users').says(answer([a, b]))
    await clock.advance(100)
    expect(served('users')).toEqual(['a-1 passing', 'b-2 passing'])
    expect(story()).toEqual([
      'added a-1',
      'added b-2',
      'source-lost',
      'source-back',
      'held a-1',
      'held b-2',
      'released a-1',
      'released b-2',
    ])
  })

  it('is believed again about an instance that no longer accepts connections', async () => {
    const { served, clock, connects, story } = await afterOutage([a])
    expect(served('users')).toEqual(['a-1 passing', 'b-2 held'])
    connects.answer = 'refused'
    await clock.advance(6000)
    expect(served('users')).toEqual(['a-1 passing'])
    expect(story().slice(-2)).toEqual(['released b-2', 'removed b-2'])
  })

  it('is believed again after the hold time', async () => {
    const { served, clock } = await afterOutage([a], [service('users', { holdMs: 60_000 })])
    await clock.advance(59_000)
    expect(served('users')).toEqual(['a-1 passing', 'b-2 held'])
    await clock.advance(1000)
    expect(served('users')).toEqual(['a-1 passing'])
  })

  it('is believed at once where nothing is to be held', async () => {
    const { served } = await afterOutage([a], [service('users', { holdMs: 0 })])
    expect(served('users')).toEqual(['a-1 passing'])
  })

  it('is believed when another service has the address, before or after', async () => {
    const plane = await afterOutage([a], [service('users'), service('orders')])
    expect(plane.served('users')).toEqual(['a-1 passing', 'b-2 held'])
    plane.registry.of('orders').says(answer([{ ...instance('o-2'), host: b.host, port: b.port }]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['a-1 passing'])
    expect(plane.served('orders')).toEqual(['o-2 passing'])
  })

  it('is not contradicted by a second name for the same registry service', async () => {
    const { control, registry, clock, served } = make()
    control.apply(config([service('users'), service('people', { from: [from('reg', 'users')] })]))
    await settled()
    registry.of('users').says(answer([a, b]))
    await settled()
    registry.of('users').fails()
    await clock.advance(100)
    registry.of('users').says(answer([a]))
    await settled()
    expect(served('users')).toEqual(['a-1 passing', 'b-2 held'])
    expect(served('people')).toEqual(served('users'))
  })
})

describe('a start with a state file', () => {
  it('serves and is ready while the registry is down, and says that it is stale', async () => {
    await remember()
    const { control, served, registry, clock } = make({ stateDir })
    control.apply(config([service('users')]))
    expect(served('users')).toEqual(['a-1 passing', 'b-2 passing'])
    expect(control.readiness()).toEqual({ ready: true, missing: [] })
    registry.of('users').fails()
    await clock.advance(30_000)
    expect(served('users')).toEqual(['a-1 passing', 'b-2 passing'])
    expect(control.serviceView('users')).toMatchObject({ stale: true, ageSeconds: 30 })
  })

  it.each([
    { jumpMs: 3_600_000, ageSeconds: 3630 },
    { jumpMs: -3_600_000, ageSeconds: 30 },
  ])('serves on when the wall clock jumped by $jumpMs ms meanwhile', async ({ jumpMs, ageSeconds }) => {
    await remember()
    const { control, served, registry, clock } = make({ stateDir })
    clock.jump(jumpMs)
    control.apply(config([service('users')]))
    registry.of('users').fails()
    await clock.advance(30_000)
    expect(served('users')).toEqual(['a-1 passing', 'b-2 passing'])
    expect(control.serviceView('users')).toMatchObject({ stale: true, ageSeconds })
  })

  it('believes a registry that answers at once and has gone on', async () => {
    await remember()
    const { control, served, registry, clock } = make({ stateDir })
    control.apply(config([service('users')]))
    registry.of('users').says(answer([b], { position: 51 }))
    await clock.advance(100)
    expect(served('users')).toEqual(['b-2 passing'])
  })

  it('keeps instances whose names it can not find now, for as long as the registry lists them', async () => {
    const before = make({ stateDir })
    before.control.apply(config([service('users')]))
    before.registry.of('users').says(answer([a, named('web', 1), named('web', 2), named('db', 3)], { position: 50 }))
    await settled()
    await before.control.close()

    const { control, served, registry, clock, thread } = make({ stateDir })
    control.apply(config([service('users')]))
    registry.of('users').says(answer([a], { position: 51, unresolved: [unfound('web', 1), unfound('web', 2)] }))
    await clock.advance(100)
    expect(served('users')).toEqual(['a-1 passing', 'web-1 passing', 'web-2 passing'])
    expect(thread.lists.get('users')?.at(-1)).toMatchObject({ host: '10.0.0.2', hostName: 'web', port: 2 })
    registry.of('users').says(answer([a], { position: 52, unresolved: [unfound('web', 2)] }))
    await clock.advance(100)
    expect(served('users')).toEqual(['a-1 passing', 'web-2 passing'])
    registry.of('users').says(answer([a, { ...named('web', 2), host: '10.0.0.7' }], { position: 52 }))
    await clock.advance(100)
    expect(thread.lists.get('users')?.map(({ host }) => host)).toEqual(['10.0.0.1', '10.0.0.7'])
  })

  it('holds what a registry with a lesser position has forgotten, over one more restart too', async () => {
    await remember()
    const first = make({ stateDir })
    first.control.apply(config([service('users')]))
    first.registry.of('users').says(answer([], { position: 3 }))
    await first.clock.advance(100)
    expect(first.served('users')).toEqual(['a-1 held', 'b-2 held'])
    await first.control.close()
    const second = make({ stateDir })
    second.control.apply(config([service('users')]))
    second.registry.of('users').says(answer([a], { position: 4 }))
    await second.clock.advance(100)
    expect(second.served('users')).toEqual(['a-1 passing', 'b-2 held'])
  })

  it('remembers nothing of a service that the configuration no longer named', async () => {
    await remember()
    const first = make({ stateDir })
    first.control.apply(config([service('users'), service('orders')]))
    first.control.apply(config([service('orders')]))
    await first.control.close()
    const { control, served } = make({ stateDir })
    control.apply(config([service('users')]))
    expect([served('users'), control.readiness().ready]).toEqual([[], false])
  })

  it('remembers nothing of a service that asks another registry now', async () => {
    await remember()
    const { control, served } = make({ stateDir })
    control.apply(config([service('users', { from: [from('reg', 'people')] })]))
    expect([served('users'), control.readiness().ready]).toEqual([[], false])
  })
})
