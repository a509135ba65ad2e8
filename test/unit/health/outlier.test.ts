import { describe, expect, it } from 'vitest'
import { Endpoint } from '../../../src/core/endpoint.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import type { EjectionReport } from '../../../src/core/message.ts'
import { EndpointMeter, ServiceMeter } from '../../../src/core/meter.ts'
import { SeriesWriter } from '../../../src/core/series.ts'
import { Service, type Evidence } from '../../../src/core/service.ts'
import type { PublishedEndpoint } from '../../../src/core/snapshot.ts'
import { createOutlierDetector } from '../../../src/health/outlier.ts'
import { publishedEndpoint } from '../../support/endpoints.ts'
import { retryBudget } from '../../support/retry-rule.ts'

const policy = {
  consecutiveFailures: 5,
  baseEjectionMs: 30_000,
  maxEjectionMs: 100_000,
  maxEjectedPercent: 50,
  successRate: null,
}

/** One service with that many endpoints, as `threads` data threads over one Ledger see it. */
function setUp({ endpoints = 4, threads = 1, random = 0, maxEjectedPercent = 50, first = {} } = {}) {
  const ledger = Ledger.create(threads, 0)
  ledger.reserve(endpoints, 1)
  const clock = { ms: 5_000 }
  const reports: EjectionReport[] = []
  const series = new SeriesWriter(
    () => {},
    () => {},
  )
  const services = Array.from({ length: threads }, (_, worker) => {
    const all = Array.from({ length: endpoints }, (_row, slot) => {
      const published: PublishedEndpoint = publishedEndpoint(slot, slot === 0 ? first : {})
      return new Endpoint(published, ledger.endpoint(slot, worker), new EndpointMeter(series, 's', published.id))
    })
    const service = new Service({
      settings: {
        name: 's',
        slot: 0,
        balancer: 'random',
        hash: null,
        outlier: { ...policy, maxEjectedPercent },
        connectTimeoutMs: 1,
        headTimeoutMs: 1,
        idleTimeoutMs: 1,
        retryBudget,
        spillBelowPercent: 70,
        limits: null,
        tls: null,
      },
      cell: ledger.service(0),
      meter: new ServiceMeter(series, 's'),
      outlier: createOutlierDetector({
        ledger,
        clock: { now: () => clock.ms },
        random: () => random,
        report: (ejection) => reports.push(ejection),
      }),
      build: () => ({ epoch: 0, eligible: all, panic: false, picker: { pick: () => null } }),
    })
    service.relist(all)
    return service
  })
  function endpoint(slot: number, thread = 0): Endpoint {
    const found = services[thread]?.all[slot]
    if (found === undefined) throw new Error(`there is no endpoint ${slot}`)
    return found
  }
  function fail(slot: number, evidence: Evidence, { times = 1, thread = 0 } = {}): void {
    const service = services[thread]
    for (let i = 0; i < times; i++) service?.outlier.failed(service, endpoint(slot, thread), evidence)
  }
  function succeed(slot: number): void {
    services[0]?.outlier.succeeded(services[0], endpoint(slot))
  }
  return { ledger, clock, reports, endpoint, fail, succeed, epoch: () => ledger.service(0).epoch() }
}

describe('a refused connection', () => {
  it('ejects at once, tells all threads and is reported once', () => {
    const { fail, endpoint, reports, epoch } = setUp({ threads: 2 })
    fail(1, 'connect-refused', { thread: 0 })
    fail(1, 'connect-refused', { thread: 1 })
    expect(endpoint(1, 1).cell.ejection()).toBe('connect')
    expect(epoch()).toBe(1)
    expect(reports).toEqual([
      { service: 's', endpoint: endpoint(1).id, slot: 1, reason: 'connect', cause: 'it refused a connection' },
    ])
  })

  it('is not bounded: all endpoints may be ejected, a lone one too', () => {
    const { fail, endpoint } = setUp({ endpoints: 3 })
    for (const slot of [0, 1, 2]) fail(slot, 'connect-refused')
    expect([0, 1, 2].map((slot) => endpoint(slot).cell.ejection())).toEqual(['connect', 'connect', 'connect'])
    const lone = setUp({ endpoints: 1 })
    lone.fail(0, 'connect-refused')
    expect(lone.endpoint(0).cell.ejection()).toBe('connect')
  })

  it('outweighs an ejection by counting', () => {
    const { fail, endpoint, reports } = setUp()
    fail(0, '5xx', { times: 5 })
    fail(0, 'connect-refused')
    fail(0, 'connect-refused')
    expect(endpoint(0).cell.ejection()).toBe('connect')
    expect(reports.map(({ reason }) => reason)).toEqual(['consecutive', 'connect'])
  })

  it('leaves an ejection by command alone', () => {
    const { fail, endpoint, reports } = setUp()
    endpoint(0).cell.eject('manual')
    fail(0, 'connect-refused')
    expect(endpoint(0).cell.ejection()).toBe('manual')
    expect(reports).toEqual([])
  })
})

describe('failures in a row', () => {
  it('eject at the configured number, counted over all threads', () => {
    const { fail, endpoint, reports } = setUp({ threads: 2 })
    fail(2, '5xx', { times: 2, thread: 0 })
    fail(2, 'head-timeout', { times: 2, thread: 1 })
    expect(endpoint(2).cell.ejection()).toBeNull()
    fail(2, 'reset-before-head', { thread: 0 })
    expect(endpoint(2, 1).cell.ejection()).toBe('consecutive')
    expect(reports.map(({ cause }) => cause)).toEqual(['5 failures in a row, the last: reset-before-head'])
  })

  it('begin anew after a success', () => {
    const { fail, succeed, endpoint } = setUp()
    fail(0, '5xx', { times: 4 })
    succeed(0)
    fail(0, '5xx', { times: 4 })
    expect(endpoint(0).cell.ejection()).toBeNull()
  })

  it.each<Evidence>(['client-abort', 'local-exhaustion', 'no-endpoint', 'request-timeout', 'overloaded'])(
    'are not made of %s',
    (evidence) => {
      const { fail, endpoint } = setUp()
      fail(0, evidence, { times: 50 })
      expect(endpoint(0).cell.consecutiveFailures()).toBe(0)
      expect(endpoint(0).cell.ejection()).toBeNull()
    },
  )

  it('eject for the base time × ejections in a row, up to the longest, with up to a tenth of jitter', () => {
    const lasting: number[] = []
    for (const random of [0, 0.5]) {
      const { fail, endpoint, ledger, clock } = setUp({ random })
      for (let i = 0; i < 4; i++) {
        fail(0, '5xx', { times: 5 })
        lasting.push(ledger.fromDeciseconds(endpoint(0).cell.ejectedUntil()) - clock.ms)
        endpoint(0).cell.restore()
      }
    }
    expect(lasting).toEqual([30_000, 60_000, 90_000, 100_000, 31_500, 63_000, 94_500, 105_000])
  })

  it('never eject more than the configured share', () => {
    const { fail, endpoint } = setUp({ endpoints: 5 })
    for (let slot = 0; slot < 5; slot++) fail(slot, '5xx', { times: 9 })
    expect([0, 1, 2, 3, 4].filter((slot) => endpoint(slot).cell.ejection() !== null)).toEqual([0, 1])
  })

  it('never eject the last one that is left, whatever the share', () => {
    const { fail, endpoint } = setUp({ endpoints: 3, maxEjectedPercent: 100 })
    fail(0, 'connect-refused')
    fail(1, '5xx', { times: 9 })
    fail(2, '5xx', { times: 9 })
    expect([0, 1, 2].map((slot) => endpoint(slot).cell.ejection())).toEqual(['connect', 'consecutive', null])
    const lone = setUp({ endpoints: 1, maxEjectedPercent: 100 })
    lone.fail(0, '5xx', { times: 9 })
    expect(lone.endpoint(0).cell.ejection()).toBeNull()
  })

  it('take an ejection back when another thread ejected another endpoint at the same moment', () => {
    const { fail, endpoint, reports, epoch } = setUp({ endpoints: 2 })
    const { cell } = endpoint(0)
    const eject = cell.eject.bind(cell)
    // What the other thread does between our look and our ejection.
    cell.eject = (reason) => eject(reason) && endpoint(1).cell.eject('consecutive')
    fail(0, '5xx', { times: 5 })
    expect(cell.ejection()).toBeNull()
    expect(cell.ejectedTimes()).toBe(0)
    expect(epoch()).toBe(1)
    expect(reports).toEqual([])
  })

  it('leave an ejection alone that the operator made his before it was taken back', () => {
    const { fail, endpoint, reports } = setUp({ endpoints: 2 })
    const { cell } = endpoint(0)
    const eject = cell.eject.bind(cell)
    cell.eject = (reason) =>
      eject(reason) && endpoint(1).cell.eject('consecutive') && cell.replaceEjection(reason, 'manual')
    fail(0, '5xx', { times: 5 })
    expect(cell.ejection()).toBe('manual')
    expect(reports).toEqual([])
  })

  it.each<Partial<PublishedEndpoint>>([{ registry: 'absent', draining: true }, { registry: 'critical' }])(
    'say nothing about an endpoint that may not serve: %o',
    (first) => {
      const { fail, endpoint } = setUp({ first })
      fail(0, '5xx', { times: 9 })
      fail(0, 'connect-refused')
      expect(endpoint(0).cell.ejection()).toBeNull()
    },
  )
})
