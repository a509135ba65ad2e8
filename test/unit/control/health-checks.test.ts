import { describe, expect, it } from 'vitest'
import { CheckProber } from '../../../src/control/check-prober.ts'
import { HealthChecks } from '../../../src/control/health-checks.ts'
import type { EndpointRecord } from '../../../src/control/membership.ts'
import { Stalls } from '../../../src/control/stalls.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import type { PublishedEndpoint, ClientTlsSettings } from '../../../src/core/snapshot.ts'
import type { CheckProbe, CheckResult, CheckTarget } from '../../../src/health/check-probe.ts'
import { seededRandom, type Random } from '../../../src/util/random.ts'
import { publishedEndpoint } from '../../support/endpoints.ts'
import { FakeClock, settled } from './fake-clock.ts'
import { instance } from './scripted-watch.ts'
import { healthCheck } from '../../support/health-check.ts'

const settings = { healthCheck, tls: null }
const pass: CheckResult = { verdict: 'passed', cause: 'it passes' }
const fail: CheckResult = { verdict: 'failed', cause: 'it answered 500' }
const silence: CheckResult = { verdict: 'silent', cause: 'no answer within 5000 ms' }

function listing(...records: readonly EndpointRecord[]) {
  return new Map(records.map((one) => [one.published.id, one]))
}

interface Given {
  readonly random?: Random
  readonly probe?: CheckProbe
}

/** Checks over a fake clock; endpoint n listens on port 9000 + n. */
function setUp({ random = () => 0.5, probe }: Given = {}) {
  const clock = new FakeClock()
  const startMs = clock.now()
  const ledger = Ledger.create(1, startMs)
  ledger.reserve(1000, 1)
  const results = new Map<number, CheckResult>()
  const asked: { port: number; atMs: number; target: CheckTarget }[] = []
  const turns: string[] = []
  const answering: CheckProbe = (target) => {
    asked.push({ port: target.port, atMs: clock.now() - startMs, target })
    return Promise.resolve(results.get(target.port) ?? pass)
  }
  const stalls = new Stalls(clock)
  const prober = new CheckProber({ probe: probe ?? answering, clock, stalls })
  const checks = new HealthChecks({
    clock,
    random,
    prober,
    onTurn: ({ id, isUnhealthy, cause }) => turns.push(`${id.split('@')[1]} ${isUnhealthy ? 'out' : 'in'}: ${cause}`),
  })
  const record = (slot: number, overrides: Partial<PublishedEndpoint> = {}): EndpointRecord => ({
    instance: instance(`a-${slot}`),
    published: publishedEndpoint(slot, overrides),
    cell: ledger.endpoint(slot, 0),
  })
  const times = (port = 9000) => asked.filter((one) => one.port === port).map(({ atMs }) => atMs)
  const close = () => {
    checks.close()
    stalls.close()
  }
  return {
    clock,
    results,
    asked,
    times,
    turns,
    checks,
    record,

    close,
    ids: (slot: number) => publishedEndpoint(slot).id,
  }
}

describe('health checks', () => {
  it('ask a new endpoint at once, and take it for healthy until it has failed', async () => {
    const { checks, record, results, turns, times, ids, close } = setUp()
    results.set(9001, fail)
    checks.follow('s', settings, listing(record(0), record(1)))
    expect([checks.isUnhealthy('s', ids(1)), checks.wordOn('s', ids(1))]).toEqual([false, null])
    await settled()
    expect([times(9000), times(9001)]).toEqual([[0], [0]])
    expect([checks.isUnhealthy('s', ids(0)), checks.isUnhealthy('s', ids(1))]).toEqual([false, true])
    expect(turns).toEqual(['127.0.0.1:9001 out: its health check failed: it answered 500'])
    close()
  })

  it('take it out after three failures in a row and back after two passes', async () => {
    const { clock, checks, record, results, turns, close } = setUp()
    checks.follow('s', settings, listing(record(0)))
    await settled()
    results.set(9000, fail)
    await clock.advance(7500 + 10_000)
    expect(turns).toEqual([])
    await clock.advance(10_000)
    results.set(9000, pass)
    await clock.advance(10_000)
    expect(turns).toEqual(['127.0.0.1:9000 out: its health check failed 3 times in a row: it answered 500'])
    await clock.advance(10_000)
    expect(turns[1]).toBe('127.0.0.1:9000 in: its health check passed 2 times in a row')
    close()
  })

  it('come within 10 % of their interval, the second after half of it to all of it', async () => {
    const { clock, checks, record, times, close } = setUp({ random: seededRandom(7) })
    checks.follow('s', settings, listing(record(0), record(1)))
    await clock.advance(600_000)
    for (const port of [9000, 9001]) {
      const gaps = times(port)
        .slice(1)
        .map((atMs, n) => atMs - (times(port)[n] as number))
      const [second = 0, ...later] = gaps
      expect(second).toBeGreaterThanOrEqual(5000)
      expect(second).toBeLessThanOrEqual(10_000)
      expect(Math.min(...later)).toBeGreaterThanOrEqual(9000)
      expect(Math.max(...later)).toBeLessThanOrEqual(11_000)
      expect(new Set(later).size).toBeGreaterThan(later.length / 2)
    }
    expect(times(9000)).not.toEqual(times(9001))
    close()
  })

  it('run at most 64 at once over all services, 16 of one, and each endpoint has its turn', async () => {
    const running = new Map<string, number>()
    let most = 0
    let mostOfOne = 0
    let ended = 0
    const finish: (() => void)[] = []
    const total = () => [...running.values()].reduce((sum, count) => sum + count, 0)
    const probe: CheckProbe = ({ hostName }) =>
      new Promise((resolve) => {
        const service = hostName ?? ''
        running.set(service, (running.get(service) ?? 0) + 1)
        most = Math.max(most, total())
        mostOfOne = Math.max(mostOfOne, running.get(service) ?? 0)
        finish.push(() => {
          running.set(service, (running.get(service) ?? 0) - 1)
          ended++
          resolve(pass)
        })
      })
    const { checks, record, close } = setUp({ probe })
    for (let service = 0; service < 6; service++) {
      const slots = Array.from({ length: 40 }, (_, n) => service * 40 + n)
      const hostName = `s${service}.test`
      checks.follow(`s${service}`, settings, listing(...slots.map((slot) => record(slot, { hostName }))))
    }
    await settled()
    for (let done = 0; done < 240; done++) {
      finish[done]?.()
      await settled()
    }
    expect([most, mostOfOne, ended, total()]).toEqual([64, 16, 240, 0])
    close()
  })

  it('leave two of three out while answers without a failure come in, and none once one fails', async () => {
    const { clock, checks, record, times, close } = setUp()
    const served = record(0)
    checks.follow('s', settings, listing(served))
    await settled()
    const random = seededRandom(1)
    const answer = () => served.cell.addLatency(10 + random())
    for (let second = 0; second < 97; second++) {
      answer()
      await clock.advance(1000)
    }
    // Due at 7.5 s and every 10 s from then on.
    expect(times()).toEqual([0, 27_500, 57_500, 87_500])
    served.cell.count(true)
    answer()
    await clock.advance(1000)
    expect(times().at(-1)).toBe(97_500)
    close()
  })

  it('are not left out for endpoints that get no answers, whatever was asked of them', async () => {
    const { clock, checks, record, times, close } = setUp()
    const abandoned = record(0)
    checks.follow('s', settings, listing(abandoned))
    for (let second = 0; second < 30; second++) {
      abandoned.cell.count(false)
      await clock.advance(1000)
    }
    expect(times()).toEqual([0, 7500, 17_500, 27_500])
    close()
  })

  it('are not left out while they fail, nor while the endpoint is out', async () => {
    const { clock, checks, record, results, times, close } = setUp()
    const served = record(0)
    results.set(9000, fail)
    checks.follow('s', settings, listing(served))
    for (let second = 0; second < 30; second++) {
      served.cell.addLatency(10 + second)
      await clock.advance(1000)
    }
    expect(times()).toEqual([0, 7500, 17_500, 27_500])
    close()
  })

  it.each<[string, CheckResult, number, boolean]>([
    ['silence through a stall of ours is no evidence', silence, 6000, false],
    ['silence without one is', silence, 0, true],
    ['a status is evidence, stall or not', fail, 6000, true],
    ['a refusal is evidence, stall or not', { verdict: 'refused', cause: 'it refused a connection' }, 6000, true],
    ['what says nothing is none', { verdict: 'unknown', cause: 'we are out of sockets' }, 0, false],
  ])('%s', async (_, result, stallMs, isUnhealthy) => {
    const answers: ((result: CheckResult) => void)[] = []
    const { clock, checks, record, ids, close } = setUp({
      probe: () => new Promise((resolve) => answers.push(resolve)),
    })
    checks.follow('s', settings, listing(record(0)))
    await clock.advance(1000)
    clock.stall(stallMs)
    answers[0]?.(result)
    await settled()
    expect(checks.isUnhealthy('s', ids(0))).toBe(isUnhealthy)
    await clock.advance(10_000)
    // It is asked again as ever.
    expect(answers).toHaveLength(2)
    close()
  })

  it('have judged an endpoint when one has said something: silence through a stall of ours is asked about again', async () => {
    const answers: ((result: CheckResult) => void)[] = []
    const { clock, checks, record, ids, close } = setUp({
      probe: () => new Promise((resolve) => answers.push(resolve)),
    })
    checks.follow('s', settings, listing(record(0)))
    const state = { isJudged: false }
    const judged = checks.judgedOnce('s').then(() => (state.isJudged = true))
    await clock.advance(1000)
    clock.stall(6000)
    answers[0]?.(silence)
    await settled()
    expect(state.isJudged).toBe(false)
    await clock.advance(10_000)
    answers[1]?.(silence)
    await judged
    expect(checks.isUnhealthy('s', ids(0))).toBe(true)
    close()
  })

  it.each<[string, (checks: HealthChecks, record: EndpointRecord) => void]>([
    ['an endpoint that goes', (checks, record) => checks.follow('s', settings, listing(record))],
    ['a service that ends', (checks) => checks.end('s')],
  ])('have nothing to judge any more of %s', async (_, go) => {
    const { checks, record, close } = setUp({ probe: () => new Promise(() => {}) })
    checks.follow('s', settings, listing(record(0)))
    const judged = checks.judgedOnce('s')
    go(checks, record(0, { registry: 'absent' }))
    await expect(judged).resolves.toBeUndefined()
    close()
  })

  it('end with the endpoint, and leave no timer; one that comes back is new', async () => {
    const { clock, checks, record, results, times, ids, close } = setUp()
    results.set(9000, fail)
    checks.follow('s', settings, listing(record(0)))
    await settled()
    checks.follow('s', settings, listing(record(0, { registry: 'absent' })))
    expect(checks.isUnhealthy('s', ids(0))).toBe(false)
    await clock.advance(60_000)
    expect(times()).toEqual([0])
    results.clear()
    checks.follow('s', settings, listing(record(0)))
    await settled()
    expect([times(), checks.wordOn('s', ids(0))]).toEqual([[0, 60_000], { isHealthy: true, cause: 'it passes' }])
    checks.end('s')
    close()
    expect(clock.timers).toBe(0)
  })

  it('with other settings take a healthy endpoint out after as many failures as ever', async () => {
    const { clock, checks, record, results, ids, close } = setUp()
    checks.follow('s', settings, listing(record(0)))
    await settled()
    results.set(9000, fail)
    checks.follow('s', { healthCheck: { ...healthCheck, path: '/typo' }, tls: null }, listing(record(0)))
    await clock.advance(12_000)
    expect(checks.isUnhealthy('s', ids(0))).toBe(false)
    await clock.advance(10_000)
    expect(checks.isUnhealthy('s', ids(0))).toBe(true)
    close()
  })

  it('take no notice of an answer that comes when the endpoint is gone', async () => {
    const answers: ((result: CheckResult) => void)[] = []
    const { checks, record, turns, clock, close } = setUp({
      probe: () => new Promise((resolve) => answers.push(resolve)),
    })
    checks.follow('s', settings, listing(record(0)))
    await settled()
    checks.follow('s', settings, listing())
    answers[0]?.(fail)
    await settled()
    expect(turns).toEqual([])
    close()
    expect(clock.timers).toBe(0)
  })

  it('go on for critical endpoints, not for those in maintenance, and at once when the word changes', async () => {
    const { clock, checks, record, times, close } = setUp()
    checks.follow('s', settings, listing(record(0, { registry: 'critical' }), record(1, { registry: 'maintenance' })))
    await clock.advance(1000)
    expect([times(9000), times(9001)]).toEqual([[0], []])
    checks.follow('s', settings, listing(record(0), record(1)))
    await settled()
    expect([times(9000), times(9001)]).toEqual([[0, 1000], [1000]])
    checks.follow('s', settings, listing(record(0), record(1, { weight: 5 })))
    await settled()
    expect(times(9001)).toEqual([1000])
    close()
  })

  it('begin anew with other settings; the verdict stands until they have answered', async () => {
    const { clock, checks, record, results, asked, turns, ids, close } = setUp()
    results.set(9000, fail)
    checks.follow('s', settings, listing(record(0)))
    await settled()
    results.clear()
    const tls: ClientTlsSettings = { ca: null, servername: null, keyPair: null, verify: true }
    checks.follow('s', { healthCheck: { ...healthCheck, path: '/up' }, tls }, listing(record(0)))
    expect(checks.isUnhealthy('s', ids(0))).toBe(true)
    await settled()
    expect(asked.map(({ target }) => [target.check.path, target.tls])).toEqual([
      ['/health', null],
      ['/up', tls],
    ])
    expect(turns[1]).toBe('127.0.0.1:9000 in: its health check passed')
    checks.follow('s', structuredClone({ healthCheck: { ...healthCheck, path: '/up' }, tls }), listing(record(0)))
    await clock.advance(1000)
    expect(asked).toHaveLength(2)
    checks.follow('s', { healthCheck: null, tls: null }, listing(record(0)))
    await clock.advance(60_000)
    expect([asked.length, checks.wordOn('s', ids(0))]).toEqual([2, null])
    close()
  })
})
