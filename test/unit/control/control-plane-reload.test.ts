import { afterEach, describe, expect, it } from 'vitest'
import { config, from, makeControlPlane, service } from './control-plane-fixture.ts'
import { settled } from './fake-clock.ts'
import { answer, instance } from './scripted-watch.ts'

const a = instance('a-1')
const b = instance('b-2')
const reg = { name: 'reg', type: 'scripted' }

let made: ReturnType<typeof makeControlPlane>[] = []
afterEach(async () => {
  await Promise.all(made.map(({ control }) => control.close()))
  made = []
})

async function started(...keys: string[]) {
  const plane = makeControlPlane()
  made.push(plane)
  const snapshot = plane.control.apply(config(keys.map((key) => service(key))))
  for (const key of keys) plane.registry.of(key).says(answer([a, b]))
  // Until no list is gathered any more.
  await plane.clock.advance(100)
  return { ...plane, snapshot }
}

describe('a reload', () => {
  it('leaves services that stay their watch, row, endpoints and ejections', async () => {
    const { control, registry, ledger, discoveries, thread, snapshot } = await started('users')
    ledger.endpoint(0, 0).eject('connect')
    thread.sent.length = 0
    const next = control.apply(config([service('users', { balancer: 'p2c' }), service('orders')]))
    await settled()
    expect(next.version).toBe(snapshot.version + 1)
    expect(next.services.map(({ name, slot, balancer }) => [name, slot, balancer])).toEqual([
      ['users', 0, 'p2c'],
      ['orders', 1, 'round-robin'],
    ])
    expect([discoveries.length, registry.opened]).toEqual([1, ['users', 'orders']])
    expect(thread.sent).toEqual(['config'])
    expect(control.serviceView('users')?.endpoints[0]).toMatchObject({ state: 'ejected' })
  })

  it('ends a service that is gone, with its watch, and gives its rows away once the threads know', async () => {
    const { control, thread, registry, story, clock, resume } = await started('users', 'orders')
    thread.stalls = true
    control.apply(config([service('orders')]))
    await clock.advance(2000)
    expect(control.serviceView('users')).toBeNull()
    expect(story().slice(-2)).toEqual(['removed a-1', 'removed b-2'])
    const slotsOf = (key: string) => thread.lists.get(key)?.map(({ slot }) => slot)
    resume()
    await clock.advance(1000)
    const { services } = control.apply(config([service('orders'), service('bills')]))
    registry.of('bills').says(answer([a, b]))
    await settled()
    expect(services.map(({ slot }) => slot)).toEqual([1, 0])
    expect([slotsOf('orders'), slotsOf('bills')?.toSorted()]).toEqual([
      [2, 3],
      [0, 1],
    ])
  })

  it('gives no row away while a thread has not applied it', async () => {
    const { control, thread, registry, clock } = await started('users', 'orders')
    thread.stalls = true
    control.apply(config([service('orders')]))
    await clock.advance(5000)
    const { services } = control.apply(config([service('orders'), service('bills')]))
    registry.of('bills').says(answer([a]))
    await settled()
    expect(services.map(({ slot }) => slot)).toEqual([1, 2])
    expect(thread.lists.get('bills')?.map(({ slot }) => slot)).toEqual([4])
  })

  it('keeps serving the old endpoints of a service that changed its source until the new one answers', async () => {
    const { control, discoveries, served, registry } = await started('users')
    const other = { name: 'other', type: 'scripted' }
    control.apply(config([service('users', { from: [from('other')] })], [reg, other]))
    await settled()
    expect(served('users')).toEqual(['a-1 passing', 'b-2 passing'])
    registry.of('users').says(answer([]))
    await settled()
    expect(served('users')).toEqual(['a-1 passing', 'b-2 passing'])
    discoveries[1]?.of('users').says(answer([instance('c-3')]))
    await settled()
    expect(served('users')).toEqual(['c-3 passing'])
    expect(control.serviceView('users')).toMatchObject({ source: 'other', stale: false })
  })

  it('believes the new source of a service whose old one could not be asked, and tells of that one when it fails again', async () => {
    const { control, registry, discoveries, served, story } = await started('users', 'orders')
    const sources = [reg, { name: 'other', type: 'scripted' }]
    registry.of('users').fails()
    await settled()
    control.apply(config([service('users', { from: [from('other')] }), service('orders')], sources))
    discoveries[1]?.of('users').says(answer([instance('c-3')]))
    await settled()
    expect(served('users')).toEqual(['c-3 passing'])
    registry.of('orders').fails()
    await settled()
    expect(story().filter((type) => type.startsWith('source'))).toEqual(['source-lost', 'source-lost'])
  })

  it('that adds a service leaves a gateway that was ready so', async () => {
    const { control, registry } = await started('users')
    control.apply(config([service('users'), service('orders')]))
    expect(control.readiness()).toEqual({ ready: true, missing: ['orders'] })
    registry.of('orders').says(answer([]))
    await settled()
    expect(control.readiness()).toEqual({ ready: true, missing: [] })
  })

  it('makes a source anew when its entry changed, moves its watches over, and closes the old one', async () => {
    const { control, discoveries, served } = await started('users')
    control.apply(config([service('users')], [{ ...reg, type: 'scripted-elsewhere' }]))
    await settled()
    expect(discoveries.map(({ closed }) => closed)).toEqual([true, false])
    discoveries[1]?.of('users').says(answer([b]))
    await settled()
    expect(served('users')).toEqual(['b-2 passing'])
  })

  it('that can not be applied changes nothing', async () => {
    const { control, served, thread, registry } = await started('users')
    thread.sent.length = 0
    const broken = config([service('users'), service('orders')], [reg, { name: 'new', type: 'broken' }])
    expect(() => control.apply(broken)).toThrow('this source can not be made')
    expect(() => control.apply(config([service('users', { from: [from('nowhere')] })]))).toThrow(
      'service users: no discovery source is named nowhere',
    )
    registry.of('users').says(answer([b]))
    await settled()
    expect([thread.sent, served('users')]).toEqual([['users'], ['b-2 passing']])
    expect(control.readiness()).toEqual({ ready: true, missing: [] })
  })

  it('gives a thread that comes late the last of everything', async () => {
    const { control, registry } = await started('users')
    control.apply(config([service('users'), service('orders')]))
    registry.of('users').says(answer([b]))
    await settled()
    const sent: unknown[] = []
    control.publisher.addThread(1, (message) => {
      if (message.type === 'config') sent.push(message.snapshot.version)
      if (message.type === 'service') sent.push(message.published.endpoints)
    })
    expect(sent).toMatchObject([[{ port: 9002 }], 2])
  })
})

describe('closing', () => {
  it('ends watches, sources and timers', async () => {
    const { control, clock, discoveries } = await started('users')
    await control.close()
    expect([clock.timers, discoveries[0]?.closed]).toEqual([0, true])
  })
})
