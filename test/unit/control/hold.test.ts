import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Holds, type HeldEndpoint } from '../../../src/control/hold.ts'
import { Prober } from '../../../src/control/prober.ts'
import type { CheckResult, CheckTarget } from '../../../src/health/check-probe.ts'
import type { ConnectResult } from '../../../src/health/connect-probe.ts'
import { seededRandom, type Random } from '../../../src/util/random.ts'
import { FakeClock, settled } from './fake-clock.ts'
import { healthCheck as check } from '../../support/health-check.ts'

function endpoint(port: number, overrides: Partial<HeldEndpoint> = {}): HeldEndpoint {
  const ways = { connectTimeoutMs: 2000, checkTarget: () => null }
  return { service: 's', id: `e${port}`, host: '10.0.0.1', port, holdMs: 600_000, ...ways, ...overrides }
}

const unasked = { check: () => Promise.reject(new Error('no service has a health check here')) }

function setUp(random: Random = () => 0.5) {
  const clock = new FakeClock()
  const results = new Map<number, ConnectResult>()
  const probes: { port: number; atMs: number }[] = []
  const released: string[] = []
  const startMs = clock.now()
  const prober = new Prober(async (_host, port) => {
    probes.push({ port, atMs: clock.now() - startMs })
    return Promise.resolve(results.get(port) ?? 'accepted')
  }, 4)
  const verdicts: CheckResult['verdict'][] = []
  const checks = {
    check: () => Promise.resolve({ verdict: verdicts.shift() ?? 'passed', cause: 'it answered 500' } as const),
  }
  const onRelease = ({ id }: HeldEndpoint, cause: string) => released.push(`${id}: ${cause}`)
  return {
    clock,
    results,
    verdicts,
    probes,
    released,
    prober,
    holds: new Holds({ clock, random, prober, checks, onRelease }),
  }
}

describe('a held endpoint', () => {
  it('is probed at once and every 5 s, and stays as long as it accepts', async () => {
    const { holds, clock, probes, released } = setUp()
    holds.begin(endpoint(1))
    await clock.advance(15_000)
    expect(probes.map(({ atMs }) => atMs)).toEqual([0, 5000, 10_000, 15_000])
    expect(released).toEqual([])
  })

  it.each<[ConnectResult, string[]]>([
    ['refused', ['e1: it refuses connections']],
    ['failed', ['e1: it no longer accepts connections']],
    ['unknown', []],
  ])('that answers %s at a probe is released with %o', async (result, expected) => {
    const { holds, clock, results, released } = setUp()
    holds.begin(endpoint(1))
    holds.begin(endpoint(2))
    await clock.advance(4000)
    results.set(1, result)
    await clock.advance(2000)
    expect(released).toEqual(expected)
  })

  const target: CheckTarget = { host: '10.0.0.1', hostName: null, port: 1, check, tls: null }

  it.each<[string, CheckResult['verdict'][], string[]]>([
    ['passes', ['passed', 'passed'], []],
    ['fails the first time', ['failed'], ['e1: its health check fails: it answered 500']],
    ['fails less than three times in a row', ['passed', 'failed', 'failed', 'passed', 'silent', 'silent'], []],
    [
      'fails three times in a row',
      ['passed', 'failed', 'silent', 'failed'],
      ['e1: its health check fails: it answered 500'],
    ],
    ['says nothing', ['unknown', 'unknown', 'unknown', 'unknown'], []],
    ['is refused', ['passed', 'refused'], ['e1: it refuses connections']],
  ])('is asked by the health check of its service: one that %s', async (_, verdicts, expected) => {
    const stage = setUp()
    stage.verdicts.push(...verdicts)
    stage.holds.begin(endpoint(1, { checkTarget: () => target }))
    await stage.clock.advance(25_000)
    expect([stage.released, stage.probes]).toEqual([expected, []])
    stage.holds.close()
  })

  it('stays while its first probe is under way', async () => {
    const { clock, released } = setUp()
    const waiting: (() => void)[] = []
    const prober = new Prober(() => new Promise((resolve) => waiting.push(() => resolve('refused'))), 1)
    const onRelease = ({ id }: HeldEndpoint) => released.push(id)
    new Holds({ clock, random: () => 0.5, prober, checks: unasked, onRelease }).begin(endpoint(1))
    await clock.advance(60_000)
    expect(released).toEqual([])
    waiting[0]?.()
    await settled()
    expect(released).toEqual(['e1'])
  })

  it('is released when its time is over, to the millisecond', async () => {
    const { holds, clock, released } = setUp()
    holds.begin(endpoint(1, { holdMs: 7000 }))
    await clock.advance(6999)
    expect(released).toEqual([])
    await clock.advance(1)
    expect(released).toEqual(['e1: the registry has not listed it for too long'])
  })

  it('is forgotten without a word when the registry lists it again, even with a probe under way', async () => {
    const { holds, clock, results, released } = setUp()
    results.set(1, 'refused')
    holds.begin(endpoint(1))
    holds.end('s', 'e1')
    await clock.advance(20_000)
    expect(released).toEqual([])
    expect(clock.timers).toBe(0)
  })

  it('is released when another service lists its address', async () => {
    const { holds, clock, released } = setUp()
    holds.begin(endpoint(1))
    holds.begin(endpoint(1, { service: 'alias' }))
    holds.begin(endpoint(2))
    holds.claim((service) => service === 'alias', [{ host: '10.0.0.1', port: 1 }])
    await clock.advance(1000)
    expect(released).toEqual(['e1: another service now lists its address'])
  })

  it('is nobody to claim once its hold has ended', async () => {
    const { holds, released } = setUp()
    holds.begin(endpoint(1))
    holds.end('s', 'e1')
    holds.claim(() => false, [{ host: '10.0.0.1', port: 1 }])
    holds.begin(endpoint(1))
    holds.claim(() => false, [{ host: '10.0.0.1', port: 2 }])
    expect(released).toEqual([])
    holds.claim(() => false, [{ host: '10.0.0.1', port: 1 }])
    expect(released).toEqual(['e1: another service now lists its address'])
  })

  it('is probed with few others at once', async () => {
    let running = 0
    let most = 0
    const finish: (() => void)[] = []
    const prober = new Prober(
      () =>
        new Promise((resolve) => {
          most = Math.max(most, ++running)
          finish.push(() => {
            running--
            resolve('accepted')
          })
        }),
      3,
    )
    const holds = new Holds({ clock: new FakeClock(), random: () => 0.5, prober, checks: unasked, onRelease: () => {} })
    for (let port = 1; port <= 10; port++) holds.begin(endpoint(port))
    for (let done = 0; done < 10; done++) {
      finish[done]?.()
      await settled()
    }
    expect(finish).toHaveLength(10)
    expect(most).toBe(3)
    expect(running).toBe(0)
  })

  it('is released within one interval of its death or of the end of its time, and not probed more often', async () => {
    const given = fc.record({
      seed: fc.integer(),
      holdMs: fc.integer({ min: 1, max: 40_000 }),
      diesAtMs: fc.integer({ min: 0, max: 40_000 }),
    })
    await fc.assert(
      fc.asyncProperty(given, async ({ seed, holdMs, diesAtMs }) => {
        const { holds, clock, results, released, probes } = setUp(seededRandom(seed))
        holds.begin(endpoint(1, { holdMs }))
        await clock.advance(diesAtMs)
        results.set(1, 'refused')
        await clock.advance(5500)
        expect(released).toHaveLength(1)
        const gaps = probes.slice(1).map(({ atMs }, n) => atMs - (probes[n]?.atMs ?? 0))
        for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(4500)
        holds.close()
        expect(clock.timers).toBe(0)
      }),
      { numRuns: 50 },
    )
  })
})
