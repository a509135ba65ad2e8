import { describe, expect, it } from 'vitest'
import type { EjectionReason } from '../../../src/core/decision.ts'
import { healthCheck as defaults } from '../../support/health-check.ts'
import { config, makeControlPlane, service } from './control-plane-fixture.ts'
import { settled } from './fake-clock.ts'
import { answer, instance } from './scripted-watch.ts'

const a = instance('a-1')
const b = instance('b-2')
const c = instance('c-3')
const healthCheck = { ...defaults, intervalMs: 1000, timeoutMs: 500, healthyAfter: 1, unhealthyAfter: 1 }

/** A service of which `a` and `b` have been known for long, and how much of its weight each of its endpoints has. */
async function withTwo(slowStartMs: number | null = 18_000) {
  const made = makeControlPlane()
  const entry = service('users', { slowStartMs })
  made.control.apply(config([entry]))
  made.registry.of('users').says(answer([a, b]))
  await made.clock.advance(60_000)
  const percents = () =>
    (made.thread.lists.get('users') ?? []).map(({ slot }) => 100 - made.ledger.endpoint(slot, -1).coldPercent())
  const says = async (...args: Parameters<typeof answer>) => {
    made.registry.of('users').says(answer(...args))
    await settled()
  }
  return { ...made, entry, percents, says }
}

describe('a slow start', () => {
  it('is none for the first list: all are new', async () => {
    const { control, registry, ledger, thread } = makeControlPlane()
    control.apply(config([service('users', { slowStartMs: 18_000 })]))
    registry.of('users').says(answer([a, b]))
    await settled()
    expect((thread.lists.get('users') ?? []).map(({ slot }) => ledger.endpoint(slot, -1).coldPercent())).toEqual([0, 0])
  })

  it('begins for an endpoint that is added, and ends', async () => {
    const { says, percents, clock } = await withTwo()
    await says([a, b, c])
    expect(percents()).toEqual([100, 100, 10])
    await clock.advance(9000)
    expect(percents()).toEqual([100, 100, 55])
    await clock.advance(9000)
    expect(percents()).toEqual([100, 100, 100])
  })

  it.each(['critical', 'maintenance'] as const)('begins for an endpoint that was %s', async (status) => {
    const { says, percents } = await withTwo()
    await says([a, { ...b, status }])
    expect(percents()).toEqual([100, 100])
    await says([a, b])
    expect(percents()).toEqual([100, 10])
  })

  it('begins for none that only changes its weight, or is warned of', async () => {
    const { says, percents } = await withTwo()
    await says([
      { ...a, weight: 5 },
      { ...b, status: 'warning' },
    ])
    await says([a, b])
    expect(percents()).toEqual([100, 100])
  })

  it.each<[EjectionReason, number]>([
    ['consecutive', 30_000],
    ['connect', 2000],
  ])('begins for an endpoint that comes back from an ejection: %s', async (reason, afterMs) => {
    const { control, ledger, clock, percents, thread, story } = await withTwo()
    const [{ id, slot } = { id: '', slot: 0 }] = thread.lists.get('users') ?? []
    const cell = ledger.endpoint(slot, 0)
    cell.setEjectedUntil(ledger.toDeciseconds(clock.now() + 30_000))
    cell.eject(reason)
    control.ejected({ service: 'users', endpoint: id, slot, reason, cause: 'a test' })
    expect(percents()).toEqual([100, 100])
    await clock.advance(afterMs)
    expect(story().at(-1)).toBe('restored a-1')
    expect(percents()[0]).toBeLessThanOrEqual(20)
    await clock.advance(18_000)
    expect(percents()).toEqual([100, 100])
  })

  it('begins for an endpoint that is no longer drained by command', async () => {
    const { control, percents, thread } = await withTwo()
    const [{ id } = { id: '' }] = thread.lists.get('users') ?? []
    control.command(id, 'drain', null)
    expect(percents()).toEqual([100, 100])
    control.command(id, 'undrain', null)
    expect(percents()).toEqual([10, 100])
  })

  it('begins for an endpoint that passes its health check again', async () => {
    const { control, percents, thread, entry, checks, clock } = await withTwo()
    control.apply(config([{ ...entry, healthCheck }]))
    checks.answers.set(a.port, { verdict: 'failed', cause: 'it answered 500' })
    await clock.advance(10_000)
    expect(thread.lists.get('users')?.map(({ unhealthy }) => unhealthy)).toEqual([true, false])
    expect(percents()).toEqual([100, 100])
    checks.answers.delete(a.port)
    await clock.advance(3000)
    expect(thread.lists.get('users')?.map(({ unhealthy }) => unhealthy)).toEqual([false, false])
    expect(percents()[0]).toBeLessThanOrEqual(30)
    expect(percents()[1]).toBe(100)
  })

  it('is shown where the endpoint is', async () => {
    const { says, control } = await withTwo()
    await says([a, b, c])
    const reasons = control.serviceView('users')?.endpoints.map(({ reason }) => reason)
    expect(reasons?.slice(1)).toEqual([
      'the registry says passing',
      'the registry says passing; in its slow start, at 10 % of its weight',
    ])
  })

  it('follows a reload, and leaves no timer behind', async () => {
    const { says, percents, control, entry, clock } = await withTwo()
    const before = clock.timers
    await says([a, b, c])
    await clock.advance(100)
    control.apply(config([{ ...entry, slowStartMs: null }]))
    expect([percents(), clock.timers]).toEqual([[100, 100, 100], before])
  })

  it('is none unless asked for', async () => {
    const { says, percents } = await withTwo(null)
    await says([a, b, c])
    expect(percents()).toEqual([100, 100, 100])
  })
})
