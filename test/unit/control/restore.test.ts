import { describe, expect, it } from 'vitest'
import type { EjectionReason } from '../../../src/core/decision.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import { Prober } from '../../../src/control/prober.ts'
import { Restorer, type EjectedEndpoint } from '../../../src/control/restore.ts'
import type { ConnectResult } from '../../../src/health/connect-probe.ts'
import { publishedEndpoint } from '../../support/endpoints.ts'
import { FakeClock } from './fake-clock.ts'
import { instance } from './scripted-watch.ts'

function setUp(answers: ConnectResult = 'refused') {
  const clock = new FakeClock()
  const ledger = Ledger.create(1, clock.now())
  ledger.reserve(2, 1)
  const cell = ledger.endpoint(0, 0)
  const endpoint: EjectedEndpoint = {
    service: 's',
    serviceCell: ledger.service(0),
    record: { instance: instance('a'), published: publishedEndpoint(0), cell },
    connectTimeoutMs: 2000,
  }
  const restored: string[] = []
  const probes: number[] = []
  const port = { answers, onProbe: () => {} }
  const startMs = clock.now()
  const prober = new Prober(async () => {
    probes.push(clock.now() - startMs)
    port.onProbe()
    return Promise.resolve(port.answers)
  }, 4)
  const onRestored = (_endpoint: EjectedEndpoint, cause: string) => restored.push(cause)
  const refused: string[] = []
  const onRefused = (found: EjectedEndpoint, cause: string) => {
    refused.push(cause)
    restorer.take(found)
  }
  const restorer = new Restorer({ ledger, clock, random: () => 0.5, prober, onRestored, onRefused })
  function eject(reason: EjectionReason, forMs = 0, times = 0): void {
    cell.setEjectedUntil(ledger.toDeciseconds(clock.now() + forMs))
    cell.eject(reason)
    cell.setEjectedTimes(times)
  }
  return {
    clock,
    cell,
    endpoint,
    restored,
    refused,
    probes,
    port,
    restorer,
    eject,
    epoch: () => endpoint.serviceCell.epoch(),
  }
}

describe('restoring', () => {
  it('tries a refused endpoint every second and restores it when it accepts', async () => {
    const { eject, restorer, endpoint, clock, probes, port, cell, restored, epoch } = setUp()
    eject('connect')
    restorer.take(endpoint)
    await clock.advance(3500)
    expect([probes, cell.ejection()]).toEqual([[1000, 2000, 3000], 'connect'])
    port.answers = 'accepted'
    await clock.advance(500)
    expect([cell.ejection(), restored, epoch()]).toEqual([null, ['it accepts connections again'], 1])
    await clock.advance(10_000)
    expect(probes).toHaveLength(4)
  })

  it.each<ConnectResult>(['failed', 'unknown'])('does not take %s for an accepted connection', async (answers) => {
    const { eject, restorer, endpoint, clock, port, cell } = setUp()
    port.answers = answers
    eject('connect')
    restorer.take(endpoint)
    await clock.advance(10_000)
    expect(cell.ejection()).toBe('connect')
  })

  it.each<[EjectionReason, ConnectResult]>([
    ['consecutive', 'accepted'],
    ['consecutive', 'failed'],
    ['consecutive', 'unknown'],
    ['success-rate', 'accepted'],
  ])(
    'restores one that failed too often when its time is over, not earlier (%s, connect: %s)',
    async (reason, answers) => {
      const { eject, restorer, endpoint, clock, cell, restored, epoch, port } = setUp()
      port.answers = answers
      eject(reason, 30_000, 1)
      restorer.take(endpoint)
      await clock.advance(29_900)
      expect(cell.ejection()).toBe(reason)
      await clock.advance(100)
      expect([cell.ejection(), restored, epoch()]).toEqual([null, ['its ejection time is over'], 1])
    },
  )

  it('has one back that was killed and started again as soon as it accepts connections', async () => {
    const { eject, restorer, endpoint, clock, cell, restored, refused, port, probes, epoch } = setUp()
    eject('consecutive', 30_000, 1)
    restorer.take(endpoint)
    await clock.advance(0)
    expect([cell.ejection(), refused, epoch(), probes]).toEqual(['connect', ['it refuses connections'], 1, [0]])
    port.answers = 'accepted'
    await clock.advance(1000)
    expect([cell.ejection(), restored, epoch(), probes]).toEqual([null, ['it accepts connections again'], 2, [0, 1000]])
  })

  it('sees that it was killed later, too', async () => {
    const { eject, restorer, endpoint, clock, cell, refused, restored, port, probes } = setUp()
    port.answers = 'accepted'
    eject('consecutive', 30_000, 1)
    restorer.take(endpoint)
    await clock.advance(5500)
    expect([cell.ejection(), probes]).toEqual(['consecutive', [0, 1000, 2000, 3000, 4000, 5000]])
    port.answers = 'refused'
    await clock.advance(1000)
    expect([cell.ejection(), refused]).toEqual(['connect', ['it refuses connections']])
    port.answers = 'accepted'
    await clock.advance(1000)
    expect(restored).toEqual(['it accepts connections again'])
  })

  it('asks no more when the time is over, or the operator has made the ejection his', async () => {
    const { eject, restorer, endpoint, clock, cell, port, probes, refused } = setUp()
    port.answers = 'accepted'
    eject('consecutive', 1500, 1)
    restorer.take(endpoint)
    await clock.advance(10_000)
    expect(probes).toEqual([0, 1000])
    eject('consecutive', 30_000, 1)
    port.answers = 'refused'
    port.onProbe = () => cell.replaceEjection('consecutive', 'manual')
    restorer.take(endpoint)
    await clock.advance(5000)
    expect([cell.ejection(), refused, probes.length]).toEqual(['manual', [], 3])
  })

  it('never restores what was ejected by command', async () => {
    const { eject, restorer, endpoint, clock, cell } = setUp()
    eject('manual')
    restorer.take(endpoint)
    await clock.advance(3_600_000)
    expect([cell.ejection(), restorer.knows(0)]).toEqual(['manual', true])
  })

  it('forgets ejections in a row when the endpoint stayed in for as long as it was out', async () => {
    const { eject, restorer, endpoint, clock, cell } = setUp('accepted')
    eject('consecutive', 30_000, 3)
    restorer.take(endpoint)
    await clock.advance(59_900)
    expect(cell.ejectedTimes()).toBe(3)
    await clock.advance(100)
    expect([cell.ejectedTimes(), clock.timers]).toEqual([0, 0])
  })

  it('remembers them when it is ejected again before', async () => {
    const { eject, restorer, endpoint, clock, cell } = setUp('accepted')
    eject('consecutive', 30_000, 1)
    restorer.take(endpoint)
    await clock.advance(50_000)
    eject('consecutive', 60_000, 2)
    restorer.take(endpoint)
    await clock.advance(59_000)
    expect([cell.ejectedTimes(), cell.ejection()]).toEqual([2, 'consecutive'])
  })

  it('follows an endpoint from one reason to another', async () => {
    const { eject, restorer, endpoint, clock, cell, restored, port } = setUp()
    eject('consecutive', 5000)
    restorer.take(endpoint)
    cell.replaceEjection('consecutive', 'connect')
    restorer.take(endpoint)
    await clock.advance(10_000)
    expect(cell.ejection()).toBe('connect')
    port.answers = 'accepted'
    await clock.advance(1000)
    expect(restored).toEqual(['it accepts connections again'])
  })

  it('lets go of an endpoint that is gone, even with a probe under way', async () => {
    const { eject, restorer, endpoint, clock, cell, port, restored, probes } = setUp()
    port.answers = 'accepted'
    eject('connect')
    restorer.take(endpoint)
    port.onProbe = () => restorer.forget(0)
    await clock.advance(5000)
    expect([cell.ejection(), restored, probes, clock.timers]).toEqual(['connect', [], [1000], 0])
  })

  it('finds ejections that nobody reported, the second time it looks', async () => {
    const { eject, restorer, endpoint, clock, cell } = setUp('accepted')
    eject('consecutive', 30_000, 1)
    expect(restorer.sweep([endpoint])).toEqual([])
    expect(restorer.sweep([endpoint])).toEqual([endpoint])
    expect(restorer.sweep([endpoint])).toEqual([])
    await clock.advance(30_000)
    expect(cell.ejection()).toBeNull()
  })

  it('finds nothing that was reported between two looks, or restored', () => {
    const { eject, restorer, endpoint } = setUp()
    eject('consecutive', 30_000, 1)
    restorer.sweep([endpoint])
    restorer.take(endpoint)
    expect(restorer.sweep([endpoint])).toEqual([])
    expect(restorer.sweep([])).toEqual([])
  })
})
