import { describe, expect, it, onTestFinished } from 'vitest'
import type { SourceEntry } from '../../../src/control/control-config.ts'
import type { Discovery, Listing } from '../../../src/discovery/contract.ts'
import { config, from, makeControlPlane, service } from './control-plane-fixture.ts'
import { settled } from './fake-clock.ts'
import { answer, instance } from './scripted-watch.ts'

const source: SourceEntry = { name: 'reg', type: 'scripted', routesFromTags: 'route-' }

/** A control plane whose registry lists what the test says; `null` = it can't be asked. */
function stage() {
  const plane = makeControlPlane()
  const waiting = { wake: () => {} }
  const heard: (Listing | null)[] = []
  const list: Discovery['list'] = async function* (signal) {
    signal.addEventListener('abort', () => waiting.wake())
    while (!signal.aborted) {
      const listing = heard.shift()
      if (listing === null) throw new Error('connection refused')
      if (listing === undefined) await new Promise<void>((resolve) => (waiting.wake = resolve))
      else yield listing
    }
  }
  Object.assign(plane.registry, { list })
  onTestFinished(async () => plane.control.close())
  const { key: _key, from: _from, subset: _subset, ...settings } = service('any')
  const [route] = config([service('any')]).routes
  if (route === undefined) throw new TypeError('the fixture has no route')
  const fromTags = { service: settings, route }
  plane.control.apply({ ...config([], [source]), fromTags })
  const says = async (...listings: (Listing | null)[]) => {
    heard.push(...listings)
    waiting.wake()
    await plane.clock.advance(10)
  }
  const routes = () => plane.control.routes().map(({ id, service: key }) => `${id} → ${key}`)
  return { ...plane, says, routes, fromTags }
}

const listed = new Map([['web', ['route-/web']]])
const web = instance('a-1', { tags: ['route-/web'] })
const tagged = (id: string, ...tags: string[]) => instance(id, { tags: tags.map((tag) => `route-${tag}`) })

describe('routes from tags', () => {
  it('come with the instances, and go when the registry lists no more of them', async () => {
    const { says, registry, routes, clock, story } = stage()
    await says(listed)
    expect(registry.opened).toEqual(['web'])
    registry.of('web').says(answer([web]))
    await clock.advance(100)
    expect(routes()).toEqual(['/web → web'])
    registry.of('web').says(answer([]))
    await says(new Map())
    await clock.advance(1000)
    expect(routes()).toEqual([])
    expect(story()).toEqual(['added a-1', 'route-added', 'removed a-1', 'route-removed'])
  })

  it('stay while their instances are held, whatever the registry lists', async () => {
    const { says, registry, routes, clock, connects } = stage()
    await says(listed)
    registry.of('web').says(answer([web]))
    await clock.advance(100)
    registry.of('web').fails()
    await clock.advance(10_000)
    registry.of('web').says(answer([]))
    await says(new Map())
    await clock.advance(1000)
    expect(routes()).toEqual(['/web → web'])
    connects.answer = 'refused'
    await clock.advance(60_000)
    expect(routes()).toEqual([])
  })

  it('stay as they are while a configuration with other sources is prepared', async () => {
    const { says, registry, routes, clock, control, discoveries, fromTags } = stage()
    await says(listed)
    registry.of('web').says(answer([web]))
    await clock.advance(100)
    const users = service('users', { from: [from('other')] })
    const next = { ...config([users], [{ ...source, name: 'other' }]), fromTags }
    const prepared = control.prepare(next, 5000)
    // The word of an instance, and the listing of the source that is to come.
    registry.of('web').says(answer([instance('a-1', { tags: ['route-/web', 'route-/more'] })]))
    await clock.advance(1000)
    expect(routes()).toEqual(['/web → web'])
    expect(control.serviceViews().map(({ name }) => name)).toEqual(['web', 'users'])
    discoveries[1]?.of('users').says(answer([instance('b-1')]))
    await clock.advance(5000)
    await prepared
    control.apply(next)
    expect(routes()).toEqual(['/users → users'])
  })

  it('are handed over once for many changes', async () => {
    const { says, registry, routes, clock, thread } = stage()
    const names = ['a', 'b', 'c', 'd']
    await says(new Map(names.map((name) => [name, [`route-/${name}`]])))
    thread.sent.length = 0
    for (const name of names) registry.of(name).says(answer([instance('i-1', { tags: [`route-/${name}`] })]))
    await clock.advance(1000)
    expect(routes()).toHaveLength(4)
    expect(thread.sent.filter((what) => what === 'config')).toHaveLength(1)
  })

  it('hand nothing over when instances change and tags do not', async () => {
    const { says, registry, clock, thread } = stage()
    await says(listed)
    registry.of('web').says(answer([web]))
    await clock.advance(1000)
    thread.sent.length = 0
    registry.of('web').says(answer([web, instance('b-2', { tags: ['route-/web'] })]))
    registry.of('web').says(answer([{ ...web, weight: 5 }]))
    await clock.advance(1000)
    expect(thread.sent).not.toContain('config')
  })

  it('count a tag that can be none once, as long as it is there, and none that gives way to another', async () => {
    const { says, registry, control, clock, story } = stage()
    const counts = () => control.stats().discovery.map(({ service: name, skipped }) => `${name} ${skipped}`)
    const named = () => story().filter((event) => event === 'route-skipped').length
    await says(new Map(['late', 'web'].map((name) => [name, ['route-/late']])))
    registry.of('late').says(answer([tagged('b-1', '/late')]))
    registry.of('web').says(answer([tagged('a-1', '/web', '/x proto=tcp', '/late')]))
    await clock.advance(1000)
    expect(named()).toBe(2)
    expect(counts()).toEqual(['late 0', 'web 1'])
    registry.of('web').says(answer(['a-1', 'a-2'].map((id) => tagged(id, '/new', '/x proto=tcp'))))
    await clock.advance(1000)
    registry.of('web').says(answer([tagged('a-1', '/new')]))
    await clock.advance(1000)
    registry.of('web').says(answer([tagged('a-1', '/new', '/x proto=tcp')]))
    await clock.advance(1000)
    expect(named()).toBe(3)
    expect(counts()).toEqual(['late 0', 'web 2'])
  })

  it('are waited for before the gateway is ready', async () => {
    const { says, registry, control, clock } = stage()
    expect(control.readiness()).toEqual({ ready: false, missing: ['routes from tags of reg'] })
    await says(listed)
    expect(control.readiness()).toEqual({ ready: false, missing: ['web'] })
    registry.of('web').says(answer([web]))
    await settled()
    expect(control.readiness()).toEqual({ ready: false, missing: ['routes from tags of reg'] })
    await clock.advance(1000)
    expect(control.readiness()).toEqual({ ready: true, missing: [] })
  })

  it('say when the registry can not be asked for them, and keep what there is', async () => {
    const { says, registry, routes, clock, story } = stage()
    await says(listed)
    registry.of('web').says(answer([web]))
    await clock.advance(1000)
    await says(null)
    expect(story().at(-1)).toBe('source-lost')
    await says(listed)
    await clock.advance(10_000)
    expect(story().at(-1)).toBe('source-back')
    expect(routes()).toEqual(['/web → web'])
  })
})
