import { describe, expect, it } from 'vitest'
import { SuccessRates } from '../../../src/control/success-rates.ts'
import type { EndpointRecord } from '../../../src/control/membership.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import type { EjectionReport } from '../../../src/core/message.ts'
import type { OutlierPolicy } from '../../../src/core/snapshot.ts'
import { publishedEndpoint } from '../../support/endpoints.ts'
import { FakeClock } from './fake-clock.ts'
import { instance } from './scripted-watch.ts'

const policy: OutlierPolicy = {
  consecutiveFailures: 5,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectedPercent: 50,
  successRate: {
    deviations: 1.9,
    belowPercent: 95,
    intervalMs: 10_000,
    minRequests: 100,
    minFailures: 5,
    minEndpoints: 5,
  },
}

function setUp({ endpoints = 6, changes = {} }: { endpoints?: number; changes?: Partial<OutlierPolicy> } = {}) {
  const clock = new FakeClock()
  const ledger = Ledger.create(2, clock.now())
  ledger.reserve(endpoints, 1)
  const records = new Map<string, EndpointRecord>()
  for (let slot = 0; slot < endpoints; slot++) {
    const published = publishedEndpoint(slot)
    records.set(published.id, { instance: instance(`i-${slot}`), published, cell: ledger.endpoint(slot, -1) })
  }
  const reports: EjectionReport[] = []
  const rates = new SuccessRates({
    service: 's',
    cell: ledger.service(0),
    ledger,
    clock,
    random: () => 0,
    records: () => records,
    policy: { ...policy, ...changes },
    eject: (report) => reports.push(report),
  })
  /** Requests of all endpoints, shared by two data threads, of which those at `failing` fail as told. */
  const serve = (failing: Readonly<Record<number, number>> = {}, requests = 200) => {
    for (let slot = 0; slot < endpoints; slot++) {
      for (let i = 0; i < requests; i++) ledger.endpoint(slot, i % 2).countEvidence(i < (failing[slot] ?? 0))
    }
  }
  const cell = (slot: number) => ledger.endpoint(slot, -1)
  return { clock, ledger, rates, records, reports, serve, cell, epoch: () => ledger.service(0).epoch() }
}

describe('ejection by success rate', () => {
  it('is decided once per interval from what all threads counted, and reported once', async () => {
    const { clock, serve, reports, cell, epoch, ledger } = setUp()
    serve({ 3: 80 })
    await clock.advance(9999)
    expect(reports).toEqual([])
    await clock.advance(1)
    expect(reports).toEqual([
      {
        service: 's',
        endpoint: publishedEndpoint(3).id,
        slot: 3,
        reason: 'success-rate',
        cause: '60.0 % of 200 requests in 10 s succeeded; the mean of 6 endpoints is 93.3 %',
      },
    ])
    expect([cell(3).ejection(), cell(3).ejectedTimes(), epoch()]).toEqual(['success-rate', 1, 1])
    expect(ledger.fromDeciseconds(cell(3).ejectedUntil()) - clock.now()).toBe(30_000)
    await clock.advance(60_000)
    expect(reports).toHaveLength(1)
  })

  it('counts each interval anew', async () => {
    const { clock, serve, reports } = setUp()
    serve({}, 10_000)
    await clock.advance(10_000)
    serve({ 1: 60 })
    await clock.advance(10_000)
    expect(reports.map(({ slot }) => slot)).toEqual([1])
  })

  it('adds nothing up over intervals that have too few requests each', async () => {
    const { clock, serve, reports } = setUp()
    for (let i = 0; i < 5; i++) {
      serve({ 1: 60 }, 90)
      await clock.advance(10_000)
    }
    expect(reports).toEqual([])
  })

  it('never ejects more than the configured share, the worst first', async () => {
    const { clock, serve, cell } = setUp({ endpoints: 12, changes: { maxEjectedPercent: 10 } })
    serve({ 4: 140, 7: 150 })
    await clock.advance(10_000)
    expect([cell(4).ejection(), cell(7).ejection()]).toEqual([null, 'success-rate'])
  })

  it('takes its ejection back when a thread ejected another endpoint at the same moment', async () => {
    const { clock, serve, records, reports, cell } = setUp({ changes: { maxEjectedPercent: 20 } })
    const own = [...records.values()][2]?.cell
    if (own === undefined) throw new Error('there are six endpoints')
    const eject = own.eject.bind(own)
    own.eject = (reason) => eject(reason) && cell(5).eject('consecutive')
    serve({ 2: 100 })
    await clock.advance(10_000)
    expect([cell(2).ejection(), reports]).toEqual([null, []])
  })

  it('compares those only that may serve and are not ejected', async () => {
    const { clock, serve, records, cell, reports } = setUp({ endpoints: 6 })
    cell(0).eject('consecutive')
    const [, second] = records.values()
    records.set(publishedEndpoint(1).id, { ...second!, published: publishedEndpoint(1, { registry: 'critical' }) })
    serve({ 5: 100 })
    await clock.advance(10_000)
    expect(reports).toEqual([])
  })

  it('takes a row that went to another endpoint for a new one', async () => {
    const { clock, serve, records, cell, reports } = setUp()
    serve({ 0: 190 })
    cell(0).clear()
    const [first] = records.values()
    records.delete(publishedEndpoint(0).id)
    records.set('another', { ...first!, published: publishedEndpoint(0, { id: 'another' }) })
    serve({ 0: 100 }, 150)
    await clock.advance(10_000)
    expect(reports.map(({ endpoint }) => endpoint)).toEqual(['another'])
  })

  it('follows the configuration: off, on, and another interval', async () => {
    const { clock, rates, serve, reports } = setUp({ changes: { successRate: null } })
    serve({ 1: 100 })
    await clock.advance(30_000)
    expect([clock.timers, reports]).toEqual([0, []])
    rates.configure(policy)
    serve({ 2: 100 })
    await clock.advance(10_000)
    expect(reports.map(({ slot }) => slot)).toEqual([2])
    rates.configure({ ...policy, successRate: null })
    expect(clock.timers).toBe(0)
  })
})
