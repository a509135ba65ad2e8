import { afterEach, describe, expect, it } from 'vitest'
import { config, from, makeControlPlane, service } from './control-plane-fixture.ts'
import { settled } from './fake-clock.ts'
import { answer, instance } from './scripted-watch.ts'

const a = instance('a-1')
const b = instance('b-2')
const idOfA = 'reg/n1/a-1@10.0.0.1:9001'

let made: ReturnType<typeof makeControlPlane>[] = []
afterEach(async () => {
  await Promise.all(made.map(({ control }) => control.close()))
  made = []
})

async function started() {
  const plane = makeControlPlane()
  made.push(plane)
  plane.control.apply(config([service('users')]))
  plane.registry.of('users').says(answer([a, b]))
  await plane.clock.advance(1000)
  const first = () => plane.control.serviceView('users')?.endpoints.find(({ id }) => id === idOfA)
  const draining = () => plane.thread.lists.get('users')?.map((endpoint) => endpoint.draining)
  const told = () =>
    plane.timeline
      .events()
      .toReversed()
      .filter(({ type, endpoint }) => type !== 'added' && endpoint === idOfA)
      .map(({ type, cause }) => `${type}: ${cause}`)
  const epoch = () => plane.ledger.service(0).epoch()
  return { ...plane, first, draining, told, epoch }
}

const tenMinutes = 600_000
const inTenMinutes = '2026-01-01T00:10:01.000Z'

describe('a drain by command', () => {
  it('ends by itself when its time is over', async () => {
    const { control, clock, first, draining, told } = await started()
    expect(control.command(idOfA, 'drain', tenMinutes)).toEqual({
      found: true,
      until: inTenMinutes,
      changed: true,
      services: ['users'],
    })
    expect(draining()).toEqual([true, false])
    expect(first()).toMatchObject({
      registry: 'passing',
      state: 'draining',
      reason: `drained by command until ${inTenMinutes}`,
      drainedUntil: inTenMinutes,
    })
    await clock.advance(tenMinutes - 1)
    expect(draining()).toEqual([true, false])
    await clock.advance(1)
    expect(draining()).toEqual([false, false])
    expect(told()).toEqual([
      `draining: manual, until ${inTenMinutes}`,
      'restored: manual: the time of its drain is over',
    ])
  })

  it('lasts until it is undone where no time is given', async () => {
    const { control, clock, first, draining, told } = await started()
    control.command(idOfA, 'drain', null)
    await clock.advance(3_600_000)
    expect(first()).toMatchObject({ reason: 'drained by command until it is undone', drainedUntil: null })
    expect(control.command(idOfA, 'undrain', null)).toMatchObject({ changed: true })
    expect(control.command(idOfA, 'undrain', null)).toMatchObject({ changed: false })
    expect(draining()).toEqual([false, false])
    expect(told()).toEqual(['draining: manual, until it is undone', 'restored: manual: no longer drained'])
  })

  it('given again takes the place of the one before', async () => {
    const { control, clock, draining } = await started()
    control.command(idOfA, 'drain', 1000)
    control.command(idOfA, 'drain', 10_000)
    await clock.advance(9000)
    expect(draining()).toEqual([true, false])
    await clock.advance(1000)
    expect(draining()).toEqual([false, false])
  })

  it('outlives reloads, lists, maintenance, and the instance itself', async () => {
    const { control, registry, clock, draining, first, told } = await started()
    control.command(idOfA, 'drain', null)
    control.apply(config([service('users', { balancer: 'p2c' })]))
    registry.of('users').says(answer([{ ...a, weight: 2 }, b]))
    await settled()
    expect(draining()).toEqual([true, false])
    registry.of('users').says(answer([{ ...a, status: 'maintenance' }, b]))
    await settled()
    registry.of('users').says(answer([a, b]))
    await settled()
    expect(draining()).toEqual([true, false])
    registry.of('users').says(answer([b]))
    await clock.advance(2000)
    expect(first()).toBeUndefined()
    registry.of('users').says(answer([a, b]))
    await settled()
    expect(first()).toMatchObject({ state: 'draining', reason: 'drained by command until it is undone' })
    expect(told().slice(-2)).toEqual([
      'removed: the registry no longer lists it',
      'draining: manual, until it is undone',
    ])
  })

  it('can be undone while the instance is gone', async () => {
    const { control, registry, clock, first } = await started()
    control.command(idOfA, 'drain', null)
    registry.of('users').says(answer([b]))
    await clock.advance(2000)
    expect(control.command(idOfA, 'undrain', null)).toEqual({ found: true, until: null, changed: true, services: [] })
    registry.of('users').says(answer([a, b]))
    await settled()
    expect(first()).toMatchObject({ state: 'eligible' })
  })

  it('leaves maintenance as it is when it ends', async () => {
    const { control, registry, first, told } = await started()
    control.command(idOfA, 'drain', null)
    registry.of('users').says(answer([{ ...a, status: 'maintenance' }, b]))
    await settled()
    control.command(idOfA, 'undrain', null)
    expect(first()).toMatchObject({ state: 'draining', reason: 'the registry says maintenance' })
    expect(told().filter((line) => line.startsWith('restored'))).toEqual([])
  })
})

describe('an ejection by command', () => {
  it('is seen by all threads at once, is counted, and ends when its time is over', async () => {
    const { control, ledger, clock, first, told, epoch } = await started()
    const before = epoch()
    control.command(idOfA, 'eject', tenMinutes)
    expect([ledger.endpoint(0, 0).ejection(), epoch()]).toEqual(['manual', before + 1])
    expect(first()).toMatchObject({
      state: 'ejected',
      reason: `ejected by command until ${inTenMinutes}`,
      ejectedUntil: inTenMinutes,
    })
    await clock.advance(tenMinutes)
    expect([ledger.endpoint(0, 0).ejection(), epoch()]).toEqual([null, before + 2])
    expect(control.stats().ejections).toEqual([{ service: 'users', instance: idOfA, reason: 'manual', count: 1 }])
    expect(told()).toEqual([
      `ejected: manual, until ${inTenMinutes}`,
      'restored: manual: the time of its ejection is over',
    ])
  })

  it('takes the place of one that the traffic made, which does not end it', async () => {
    const { control, ledger, clock } = await started()
    const cell = ledger.endpoint(0, 0)
    cell.setEjectedUntil(ledger.toDeciseconds(clock.now() + 5000))
    cell.eject('consecutive')
    control.ejected({ service: 'users', endpoint: idOfA, slot: 0, reason: 'consecutive', cause: '5 failures' })
    control.command(idOfA, 'eject', null)
    await clock.advance(3_600_000)
    expect(cell.ejection()).toBe('manual')
    expect(control.command(idOfA, 'restore', null)).toMatchObject({ changed: true })
    expect(cell.ejection()).toBeNull()
  })

  it('outlives reloads, lists and the instance itself', async () => {
    const { control, registry, ledger, clock, thread, first } = await started()
    control.command(idOfA, 'eject', null)
    control.apply(config([service('users', { balancer: 'p2c' })]))
    registry.of('users').says(answer([b]))
    await clock.advance(2000)
    registry.of('users').says(answer([a, b]))
    await settled()
    const slot = thread.lists.get('users')?.find(({ id }) => id === idOfA)?.slot ?? -1
    expect(ledger.endpoint(slot, 0).ejection()).toBe('manual')
    expect(first()).toMatchObject({ state: 'ejected', reason: 'ejected by command until it is undone' })
  })

  it('holds in every service that has the endpoint', async () => {
    const { control, registry, ledger } = await started()
    control.apply(config([service('users'), service('people', { from: [from('reg', 'users')] })]))
    registry.of('users').says(answer([a, b]))
    await settled()
    expect(control.command(idOfA, 'eject', null)).toMatchObject({ services: ['users', 'people'] })
    const ejected = [0, 1, 2, 3].filter((slot) => ledger.endpoint(slot, 0).ejection() === 'manual')
    expect(ejected).toHaveLength(2)
  })
})

describe('a restore by command', () => {
  it.each(['connect', 'consecutive', 'success-rate'] as const)(
    'ends an ejection by the traffic (%s)',
    async (reason) => {
      const { control, ledger, clock, connects, told } = await started()
      connects.answer = 'refused'
      const cell = ledger.endpoint(0, 0)
      cell.setEjectedUntil(ledger.toDeciseconds(clock.now() + 30_000))
      cell.eject(reason)
      control.ejected({ service: 'users', endpoint: idOfA, slot: 0, reason, cause: 'the traffic' })
      expect(control.command(idOfA, 'restore', null)).toMatchObject({ changed: true })
      await clock.advance(5000)
      expect(cell.ejection()).toBeNull()
      expect(told()).toEqual(['ejected: the traffic', 'restored: manual'])
    },
  )

  it('changes nothing where nothing is ejected', async () => {
    const { control, told } = await started()
    expect(control.command(idOfA, 'restore', null)).toMatchObject({ found: true, changed: false })
    expect(told()).toEqual([])
  })
})

it('ends with the control plane, and leaves no timer', async () => {
  const { control, clock } = await started()
  control.command(idOfA, 'drain', tenMinutes)
  control.command(idOfA, 'eject', tenMinutes)
  await control.close()
  expect(clock.timers).toBe(0)
})

describe('a command to an endpoint that nobody knows', () => {
  it.each([
    ['reg/n1/a-2@10.0.0.1:9001', idOfA],
    ['a-1', idOfA],
    ['10.0.0.1:9002', 'reg/n1/b-2@10.0.0.1:9002'],
    ['something else', null],
  ])('%s: names the one that may have been meant', async (id, suggestion) => {
    const { control, draining } = await started()
    expect(control.command(id, 'drain', null)).toEqual({ found: false, suggestion })
    expect(draining()).toEqual([false, false])
  })
})
