import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { config, from, makeControlPlane, service } from './control-plane-fixture.ts'
import { settled } from './fake-clock.ts'
import { answer, instance, type ScriptedDiscovery } from './scripted-watch.ts'

const consul = { name: 'consul', type: 'scripted' }
const etcd = { name: 'etcd', type: 'scripted' }
const a = instance('a-1')
const b = instance('b-2')
/** As etcd knows them. */
const aInEtcd = { ...a, node: '', id: 'x-1' }
const cInEtcd = { ...instance('c-3'), node: '' }

const made: ReturnType<typeof makeControlPlane>[] = []
let stateDir = ''
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'tidegate-sources-'))
})
afterEach(async () => {
  await Promise.all(made.splice(0).map(({ control }) => control.close()))
  await rm(stateDir, { recursive: true })
})

const both = [from('consul'), from('etcd')]

/** `users` of Consul and etcd, or of those of them that are given. */
function start(sources = both, given: { stateDir?: string } = {}) {
  const plane = makeControlPlane(given)
  made.push(plane)
  const ask = (asked: typeof sources) =>
    plane.control.apply(config([service('users', { from: asked })], [consul, etcd]))
  ask(sources)
  const [inConsul, inEtcd] = plane.discoveries as [ScriptedDiscovery, ScriptedDiscovery]
  const list = () => plane.thread.lists.get('users') ?? []
  return {
    ...plane,
    ask,
    consul: inConsul.of('users'),
    etcd: inEtcd.of('users'),
    weights: () => list().map(({ port, weight }) => `${port} ${weight}`),
    slots: () => list().map(({ port, slot }) => `${port} ${slot}`),
  }
}

describe('a service with several sources', () => {
  it('serves what any of them lists, and shows who does', async () => {
    const plane = start()
    plane.consul.says(answer([a, b]))
    plane.etcd.says(answer([aInEtcd, cInEtcd]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['a-1 passing', 'b-2 passing', 'c-3 passing'])
    expect(plane.control.serviceView('users')).toMatchObject({
      source: 'consul, etcd',
      sources: [
        { source: 'consul', stale: false, instances: 2, weightPercent: 100 },
        { source: 'etcd', stale: false, instances: 2, weightPercent: 100 },
      ],
      endpoints: [{ sources: ['consul', 'etcd'] }, { sources: ['consul'] }, { sources: ['etcd'] }],
    })
  })

  it('goes on probing what it holds, however often a reload finds sources that are still to be taken over from', async () => {
    const plane = start()
    const comeBackEmpty = async () => {
      plane.consul.says(answer([a]))
      await plane.clock.advance(100)
      plane.consul.fails()
      await plane.clock.advance(10_000)
      plane.consul.says(answer([]))
      await plane.clock.advance(100)
    }
    plane.etcd.says(answer([]))
    await comeBackEmpty()
    const ask = (weight: number) => {
      const sources = [from('consul', 'users', weight), from('etcd')]
      const subset = { tags: [], version: '', filter: null }
      plane.control.apply(config([service('users', { from: sources, subset })], [consul, etcd]))
    }
    ask(100)
    await comeBackEmpty()
    ask(50)
    plane.etcd.says(answer([]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['a-1 held'])
    plane.connects.answer = 'refused'
    await plane.clock.advance(60_000)
    expect(plane.served('users')).toEqual([])
  })

  it('keeps the row, the ejection and the requests of an endpoint that one of them drops', async () => {
    const plane = start()
    plane.consul.says(answer([a]))
    plane.etcd.says(answer([aInEtcd]))
    await plane.clock.advance(100)
    const cell = plane.ledger.endpoint(0, 0)
    cell.acquire()
    cell.eject('consecutive')
    plane.consul.says(answer([]))
    await plane.clock.advance(100)
    plane.consul.says(answer([a]))
    plane.etcd.says(answer([]))
    await plane.clock.advance(100)
    expect(plane.slots()).toEqual(['9001 0'])
    expect(plane.control.serviceView('users')?.endpoints).toMatchObject([{ inflight: 1, state: 'ejected' }])
    expect(plane.story()).toEqual(['added a-1'])
  })

  it('loses what the last of them drops', async () => {
    const plane = start()
    plane.consul.says(answer([a, b]))
    plane.etcd.says(answer([aInEtcd]))
    await plane.clock.advance(100)
    plane.consul.says(answer([b]))
    plane.etcd.says(answer([]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['b-2 passing'])
  })

  it('keeps the last word of one that fails, goes on following the other, and says which is stale', async () => {
    const plane = start()
    plane.consul.says(answer([a]))
    plane.etcd.says(answer([cInEtcd]))
    await plane.clock.advance(100)
    plane.consul.fails()
    plane.etcd.says(answer([aInEtcd]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['a-1 passing'])
    expect(plane.control.serviceView('users')).toMatchObject({
      stale: true,
      sources: [{ stale: true }, { stale: false, ageSeconds: 0 }],
    })
    expect(plane.control.stats().discovery.map(({ source, updates }) => [source, updates.error])).toEqual([
      ['consul', 1],
      ['etcd', 0],
    ])
  })

  it('holds what one of them may have forgotten, and only that', async () => {
    const plane = start()
    plane.consul.says(answer([a, b]))
    plane.etcd.says(answer([aInEtcd, cInEtcd]))
    await plane.clock.advance(100)
    plane.consul.fails()
    plane.consul.says(answer([]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['a-1 passing', 'b-2 held', 'c-3 passing'])
    plane.etcd.says(answer([aInEtcd]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['a-1 passing', 'b-2 held'])
    plane.connects.answer = 'refused'
    await plane.clock.advance(6000)
    expect(plane.served('users')).toEqual(['a-1 passing'])
  })

  it('shares by the weights of its sources, and by other ones after a reload', async () => {
    const plane = start([from('consul'), from('etcd', 'users', 10)])
    plane.consul.says(answer([a]))
    plane.etcd.says(answer([aInEtcd, { ...cInEtcd, weight: 2 }]))
    await plane.clock.advance(100)
    expect(plane.weights()).toEqual(['9001 1', '9003 0.2'])
    plane.ask([from('consul', 'users', 0), from('etcd')])
    await plane.clock.advance(100)
    expect(plane.weights()).toEqual(['9001 1', '9003 2'])
    expect(plane.registry.opened).toEqual(['users'])
  })

  it('moves from one source to another without another list in between', async () => {
    const plane = start([from('consul')])
    plane.consul.says(answer([a, b]))
    await plane.clock.advance(100)
    plane.ask(both)
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['a-1 passing', 'b-2 passing'])
    plane.etcd.says(answer([aInEtcd, cInEtcd]))
    await plane.clock.advance(100)
    plane.ask([from('etcd')])
    await plane.clock.advance(100)
    expect(plane.slots()).toEqual(['9001 0', '9003 2'])
    expect(plane.control.serviceView('users')).toMatchObject({ source: 'etcd', stale: false })
  })

  it('keeps what a source listed that was taken off until all the others have spoken', async () => {
    const plane = start([from('consul')])
    plane.consul.says(answer([a]))
    await plane.clock.advance(100)
    plane.ask([from('etcd')])
    plane.etcd.fails()
    await plane.clock.advance(100)
    expect([plane.served('users'), plane.control.readiness().ready]).toEqual([['a-1 passing'], true])
    plane.etcd.says(answer([cInEtcd]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['c-3 passing'])
  })

  it('follows a source again that was taken off and put back', async () => {
    const plane = start()
    plane.consul.says(answer([a]))
    plane.etcd.says(answer([]))
    await plane.clock.advance(100)
    plane.ask([from('etcd')])
    await plane.clock.advance(100)
    plane.ask(both)
    plane.consul.says(answer([b]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['b-2 passing'])
  })

  it('is ready when each has answered, or failed while another answered', async () => {
    const plane = start()
    plane.etcd.says(answer([]))
    await settled()
    expect(plane.control.readiness()).toEqual({ ready: false, missing: ['users'] })
    plane.consul.fails()
    await settled()
    expect(plane.control.readiness()).toEqual({ ready: true, missing: [] })
  })

  it('is not ready while none has answered', async () => {
    const plane = start()
    plane.etcd.fails()
    plane.consul.fails()
    await settled()
    expect(plane.control.readiness()).toEqual({ ready: false, missing: ['users'] })
  })

  it('comes back from the state file with the list of each', async () => {
    const before = start(both, { stateDir })
    before.consul.says(answer([a]))
    before.etcd.says(answer([cInEtcd]))
    await before.clock.advance(100)
    await before.control.close()

    const plane = start([...both].toReversed(), { stateDir })
    expect(plane.served('users')).toEqual(['c-3 passing', 'a-1 passing'])
    plane.consul.says(answer([b]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['c-3 passing', 'b-2 passing'])
  })

  it('has no list of one of them alone in force when the others have been waited for', async () => {
    const plane = start()
    const prepared = plane.control.prepare(
      config([service('orders', { from: [from('consul', 'orders'), from('etcd', 'orders')] })], [consul, etcd]),
      1000,
    )
    const [inConsul, inEtcd] = plane.discoveries as [ScriptedDiscovery, ScriptedDiscovery]
    inConsul.of('orders').says(answer([]))
    inEtcd.of('orders').says(answer([cInEtcd]))
    await prepared
    expect(plane.served('orders')).toEqual(['c-3 passing'])
  })

  it('takes of each source its subset only, and another one when it is asked for', async () => {
    const blue = (one: typeof a) => ({ ...one, tags: ['blue'] })
    const plane = start()
    const ask = (tag: string) => {
      const subset = { tags: [tag], version: null, filter: null }
      plane.control.apply(config([service('users', { from: both, subset })], [consul, etcd]))
    }
    ask('blue')
    plane.consul.says(answer([blue(a), b]))
    plane.etcd.says(answer([blue(cInEtcd), instance('d-4')]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['a-1 passing', 'c-3 passing'])
    ask('green')
    plane.consul.says(answer([blue(a), { ...b, tags: ['green'] }]))
    await plane.clock.advance(100)
    plane.etcd.says(answer([blue(cInEtcd)]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['b-2 passing'])
  })

  it('keeps what is held when only its zone changes', async () => {
    const plane = start([from('consul')])
    plane.consul.says(answer([a, b]))
    await plane.clock.advance(100)
    plane.consul.fails()
    plane.consul.says(answer([a]))
    await plane.clock.advance(100)
    const zone = { prefer: 'eu', spillBelowPercent: 70 }
    plane.control.apply(config([service('users', { from: [from('consul')], zone })], [consul, etcd]))
    plane.consul.says(answer([{ ...a, zone: 'eu' }]))
    await plane.clock.advance(100)
    expect(plane.served('users')).toEqual(['a-1 passing', 'b-2 held'])
    expect(plane.thread.lists.get('users')?.map(({ tier }) => tier)).toEqual([0, 0])
    plane.connects.answer = 'refused'
    await plane.clock.advance(6000)
    expect(plane.served('users')).toEqual(['a-1 passing'])
  })

  it('counts the entries that can not be used by their source', async () => {
    const plane = start()
    plane.skips.get('etcd')?.({ service: 'users', entry: '/users/1', reason: 'it has no address' })
    expect(plane.control.stats().discovery.map(({ source, skipped }) => [source, skipped])).toEqual([
      ['consul', 0],
      ['etcd', 1],
    ])
    expect(plane.timeline.events().map(({ type, service: name, cause }) => [type, name, cause])).toEqual([
      ['skipped', 'users', 'etcd has /users/1, which is left out: it has no address'],
    ])
  })

  it('is not ready by a source that was taken off before it answered', async () => {
    const plane = start([from('consul')])
    plane.ask([from('etcd')])
    await settled()
    expect(plane.control.readiness()).toEqual({ ready: false, missing: ['users'] })
  })
})

describe('many services', () => {
  it('are all looked at within a minute, and one at once whose list or epoch gives a reason', async () => {
    const plane = makeControlPlane()
    made.push(plane)
    const names = Array.from({ length: 500 }, (_, i) => `service-${i}`)
    plane.control.apply(config(names.map((name) => service(name))))
    for (const [i, name] of names.entries()) plane.registry.of(name).says(answer([{ ...a, port: 1000 + i }]))
    await settled()
    await plane.clock.advance(60_000)
    const ejected = () => plane.timeline.events().filter(({ type }) => type === 'ejected').length
    const cells = names.map((name) => plane.thread.lists.get(name)?.[0]?.slot ?? -1)
    // As threads do that die before their report: one before it moved the epoch, one after.
    for (const slot of [cells[10], cells[490]]) plane.ledger.endpoint(slot ?? -1, 0).eject('consecutive')
    const slot = plane.control.apply(config(names.map((name) => service(name)))).services[490]?.slot ?? -1
    plane.ledger.service(slot).bumpEpoch()
    await plane.clock.advance(2000)
    expect(ejected()).toBeGreaterThan(0)
    await plane.clock.advance(60_000)
    expect(ejected()).toBe(2)
  })
})
