import { afterEach, describe, expect, it } from 'vitest'
import type { CheckResult } from '../../../src/health/check-probe.ts'
import { config, makeControlPlane, service } from './control-plane-fixture.ts'
import { settled } from './fake-clock.ts'
import { answer, instance } from './scripted-watch.ts'
import { healthCheck } from '../../support/health-check.ts'

const a = instance('a-1')
const b = instance('b-2')
const checked = service('users', { healthCheck })
const fail: CheckResult = { verdict: 'failed', cause: 'it answered 500' }
const refuse: CheckResult = { verdict: 'refused', cause: 'it refused a connection' }

let made: ReturnType<typeof makeControlPlane>[] = []
afterEach(async () => {
  await Promise.all(made.map(({ control }) => control.close()))
  made = []
})

async function started(instances = [a, b], users = checked) {
  const plane = makeControlPlane()
  made.push(plane)
  plane.control.apply(config([users]))
  plane.registry.of('users').says(answer(instances))
  await settled()
  const unhealthy = () => plane.thread.lists.get('users')?.map((endpoint) => endpoint.unhealthy)
  const told = (...types: string[]) =>
    plane.timeline
      .events()
      .toReversed()
      .filter(({ type }) => types.includes(type))
      .map(({ type, cause }) => `${type}: ${cause}`)
  const disputed = () =>
    Object.fromEntries(plane.control.stats().disagreements.map(({ registry, count }) => [registry, count]))
  return { ...plane, unhealthy, told, disputed }
}

describe('a service with a health check', () => {
  it('tells the data threads whose checks fail, and when they pass again', async () => {
    const { checks, clock, unhealthy, told, control } = await started()
    expect(unhealthy()).toEqual([false, false])
    checks.answers.set(a.port, fail)
    await clock.advance(7500 + 20_000)
    expect(unhealthy()).toEqual([true, false])
    expect(control.serviceView('users')?.endpoints).toMatchObject([
      {
        registry: 'passing',
        state: 'unhealthy',
        reason: 'its health check fails: it answered 500',
        healthCheck: 'failing',
      },
      { registry: 'passing', state: 'eligible', healthCheck: 'passing' },
    ])
    expect(control.stats().endpoints.map(({ state, count }) => `${state} ${count}`)).toEqual([
      'eligible 1',
      'ejected 0',
      'unhealthy 1',
      'draining 0',
    ])
    checks.answers.clear()
    await clock.advance(20_000)
    expect(unhealthy()).toEqual([false, false])
    expect(told('unhealthy', 'restored')).toEqual([
      'unhealthy: its health check failed 3 times in a row: it answered 500; the registry says passing',
      'restored: its health check passed 2 times in a row',
    ])
  })

  it('keeps a verdict over lists and reloads, and drops it with the health check', async () => {
    const { checks, clock, registry, control, unhealthy } = await started()
    checks.answers.set(a.port, fail)
    await clock.advance(27_500)
    registry.of('users').says(answer([{ ...a, weight: 3 }, b, instance('c-3')]))
    await clock.advance(100)
    expect(unhealthy()).toEqual([true, false, false])
    control.apply(config([{ ...checked, balancer: 'p2c', healthCheck: { ...healthCheck, intervalMs: 5000 } }]))
    await settled()
    expect(unhealthy()).toEqual([true, false, false])
    await clock.advance(100)
    control.apply(config([service('users')]))
    expect(unhealthy()).toEqual([false, false, false])
    expect(control.serviceView('users')?.endpoints[0]).toMatchObject({ state: 'eligible', healthCheck: null })
  })

  it('asks with the settings of the service, once for two threads and more', async () => {
    const tls = { ca: null, servername: 'users.test', keyPair: null, verify: true }
    const { checks } = await started([{ ...a, hostName: 'a.test' }], { ...checked, tls })
    expect(checks.asked).toEqual([{ host: '10.0.0.1', hostName: 'a.test', port: a.port, check: healthCheck, tls }])
  })

  it('is asked no more when the control plane has ended', async () => {
    const { control, clock } = await started()
    await control.close()
    expect(clock.timers).toBe(0)
  })

  it('does not hold on to what its check finds dead', async () => {
    const { checks, connects, registry, clock, served } = await started()
    registry.of('users').fails()
    checks.answers.set(a.port, fail)
    connects.answer = 'refused'
    registry.of('users').says(answer([]))
    await clock.advance(100)
    expect(served('users')).toEqual(['b-2 held'])
    await clock.advance(60_000)
    expect(served('users')).toEqual(['b-2 held'])
  })
})

describe('a disagreement', () => {
  it('is told once when the registry says passing and the check fails, and once when it is over', async () => {
    const { checks, clock, told, disputed } = await started()
    checks.answers.set(a.port, refuse)
    await clock.advance(120_000)
    expect(disputed()).toEqual({ passing: 1, critical: 0 })
    checks.answers.clear()
    await clock.advance(120_000)
    expect(disputed()).toEqual({ passing: 0, critical: 0 })
    expect(told('disagreement', 'agreement')).toEqual([
      'disagreement: the registry says passing; its health check fails: it refused a connection',
      'agreement: no longer; the registry says passing',
    ])
  })

  it('is told when the registry says critical and the check passes; the registry has its way', async () => {
    const { registry, clock, told, disputed, control } = await started()
    registry.of('users').says(answer([{ ...a, status: 'critical' }, b]))
    await clock.advance(60_000)
    expect(disputed()).toEqual({ passing: 0, critical: 1 })
    expect(control.serviceView('users')?.endpoints[0]).toMatchObject({
      state: 'unhealthy',
      reason: 'the registry says critical',
      healthCheck: 'passing',
    })
    registry.of('users').says(answer([a, b]))
    await clock.advance(1000)
    expect(told('disagreement', 'agreement')).toEqual([
      'disagreement: the registry says critical; its health check passes',
      'agreement: no longer; the registry says passing',
    ])
  })

  it('turns from one into the other', async () => {
    const { checks, registry, clock, told, disputed } = await started()
    registry.of('users').says(answer([{ ...a, status: 'critical' }, b]))
    await clock.advance(2000)
    checks.answers.set(a.port, fail)
    await clock.advance(60_000)
    expect(disputed()).toEqual({ passing: 0, critical: 0 })
    registry.of('users').says(answer([a, b]))
    await clock.advance(2000)
    expect(disputed()).toEqual({ passing: 1, critical: 0 })
    expect(told('disagreement', 'agreement')).toEqual([
      'disagreement: the registry says critical; its health check passes',
      'agreement: no longer; the registry says critical',
      'disagreement: the registry says passing; its health check fails: it answered 500',
    ])
  })

  it('needs no health check where requests are refused, but ten seconds: registries are slow', async () => {
    const { ledger, connects, clock, told, disputed } = await started([a, b], service('users'))
    connects.answer = 'refused'
    ledger.endpoint(0, 0).eject('connect')
    await clock.advance(10_000)
    expect(disputed()).toEqual({ passing: 0, critical: 0 })
    await clock.advance(2000)
    expect(disputed()).toEqual({ passing: 1, critical: 0 })
    connects.answer = 'accepted'
    await clock.advance(3000)
    expect(told('disagreement', 'agreement')).toEqual([
      'disagreement: the registry says passing; it refuses connections',
      'agreement: no longer; the registry says passing',
    ])
  })

  it('ends without a word with the endpoint', async () => {
    const { checks, registry, clock, told, disputed } = await started()
    checks.answers.set(a.port, fail)
    await clock.advance(60_000)
    registry.of('users').says(answer([b]))
    await clock.advance(2000)
    expect(disputed()).toEqual({ passing: 0, critical: 0 })
    expect(told('disagreement', 'agreement')).toHaveLength(1)
  })
})

describe('preparing to take the place of another process', () => {
  it('waits until each endpoint was checked once, so that the first list says which fail', async () => {
    const plane = makeControlPlane()
    made.push(plane)
    const asked = Promise.withResolvers<CheckResult>()
    plane.checks.answers.set(a.port, refuse).set(b.port, asked.promise)
    let isPrepared = false
    const prepared = plane.control.prepare(config([checked]), 5000, true).then(() => (isPrepared = true))
    plane.registry.of('users').says(answer([a, b]))
    await settled()
    expect(isPrepared).toBe(false)
    asked.resolve(fail)
    await prepared
    expect(plane.thread.lists.get('users')?.map(({ unhealthy }) => unhealthy)).toEqual([true, true])
  })

  it('waits no longer than it is told to', async () => {
    const plane = makeControlPlane()
    made.push(plane)
    plane.checks.answers.set(a.port, new Promise(() => {}))
    const prepared = plane.control.prepare(config([checked]), 5000, true)
    plane.registry.of('users').says(answer([a]))
    await plane.clock.advance(5000)
    await expect(prepared).resolves.toBeUndefined()
  })
})
