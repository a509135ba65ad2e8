import { describe, expect, it } from 'vitest'
import { peakEwma } from '../../../src/balance/peak-ewma.ts'
import type { Endpoint } from '../../../src/core/endpoint.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import { seededRandom } from '../../../src/util/random.ts'
import { equalEndpoints, makeEndpoints } from '../../support/endpoints.ts'
import { balancing, pickInput } from '../../support/picking.ts'

/** One picker over endpoints with these latencies (null = not measured), and time that moves when told. */
function setUp(latenciesMs: readonly (number | null)[], endpoints = equalEndpoints(latenciesMs.length)) {
  const clock = { ms: 5_000_000_000, now: () => clock.ms }
  const picker = peakEwma.build(endpoints, balancing({ clock, random: seededRandom(3) }), null)
  const feedback = picker.feedback
  if (feedback === undefined) throw new Error('peak-ewma learns from answers')
  for (const [index, ms] of latenciesMs.entries()) if (ms !== null) feedback.answered(endpoints[index] as Endpoint, ms)
  /** How often each was picked; what is in flight stays as it is. */
  const counts = (picks = 1000): number[] => {
    const found = endpoints.map(() => 0)
    for (let i = 0; i < picks; i++) {
      const at = endpoints.indexOf(picker.pick(pickInput()) as Endpoint)
      found[at] = (found[at] ?? 0) + 1
    }
    return found
  }
  return { clock, endpoints, picker, feedback, counts }
}

describe('peak-ewma', () => {
  it('never picks the slowest', () => {
    const { counts } = setUp([5, 6, 50])
    expect(counts()[2]).toBe(0)
  })

  it('takes what is in flight into account: ten at a fast one wait as long as one at a slow one', () => {
    const { counts, endpoints } = setUp([5, 50])
    for (let i = 0; i < 6; i++) endpoints[0]?.cell.acquire()
    expect(counts()).toEqual([1000, 0])
    for (let i = 0; i < 8; i++) endpoints[0]?.cell.acquire()
    expect(counts()).toEqual([0, 1000])
  })

  it('sees no difference in latencies that are within a fifth: weights decide', () => {
    const { counts } = setUp([5, 5.5, 4.8], makeEndpoints([2, 1, 1]))
    const [heavy = 0, ...light] = counts(4000)
    expect(heavy).toBeGreaterThan(1800)
    expect(Math.min(...light)).toBeGreaterThan(800)
  })

  it('weighs what is in flight by weight', () => {
    const { counts, endpoints } = setUp([5, 5], makeEndpoints([4, 1]))
    for (let i = 0; i < 8; i++) endpoints[0]?.cell.acquire()
    for (let i = 0; i < 4; i++) endpoints[1]?.cell.acquire()
    expect(counts()).toEqual([1000, 0])
  })

  it('jumps to a peak at once and comes down over ten seconds', () => {
    const { counts, feedback, endpoints, clock } = setUp([5, 5])
    const [peaked] = endpoints as [Endpoint]
    feedback.answered(peaked, 200)
    expect(counts()).toEqual([0, 1000])
    expect(peaked.cell.peakUs()).toBe(200_000)
    clock.ms += 10_000
    feedback.answered(peaked, 5)
    expect(peaked.cell.peakUs() / 1000).toBeCloseTo(200 / Math.E + 5 * (1 - 1 / Math.E), 2)
  })

  it('tries a slow endpoint again when its peak has faded, and leaves it again when it is still slow', () => {
    const { counts, feedback, endpoints, clock } = setUp([5, 100])
    const [fast, slow] = endpoints as [Endpoint, Endpoint]
    for (let second = 0; second < 20; second++) {
      clock.ms += 1000
      feedback.answered(fast, 5)
    }
    expect(counts()[1]).toBe(0)
    for (let second = 0; second < 20; second++) {
      clock.ms += 1000
      feedback.answered(fast, 5)
    }
    expect(counts()[1]).toBeGreaterThan(0)
    feedback.answered(slow, 100)
    expect(counts()[1]).toBe(0)
  })

  it.each([
    ['never measured', null, 0],
    ['not measured for a minute', 100, 60_000],
  ])('tries an endpoint that was %s, with one exchange at a time', (_what, measuredMs, laterMs) => {
    const { counts, feedback, endpoints, clock } = setUp([5, measuredMs, 5])
    const [first, tried, third] = endpoints as [Endpoint, Endpoint, Endpoint]
    clock.ms += laterMs
    for (const endpoint of [first, third]) feedback.answered(endpoint, 5)
    expect(counts()[1]).toBeGreaterThan(300)
    tried.cell.acquire()
    for (let i = 0; i < 1000; i++) first.cell.acquire()
    expect(counts()[1]).toBe(0)
    tried.cell.release()
    feedback.answered(tried, 5)
    expect(counts()[1]).toBeGreaterThan(300)
  })

  it('spreads by what is in flight while nobody was measured', () => {
    const { picker, endpoints } = setUp([null, null, null, null])
    for (let i = 0; i < 400; i++) (picker.pick(pickInput()) as Endpoint).cell.acquire()
    for (const { cell } of endpoints) expect(Math.abs(cell.inflight() - 100)).toBeLessThan(5)
  })

  it.each([
    ['measured before', 5],
    ['never measured', null],
  ])('never finds an endpoint attractive that fails fast: %s', (_what, ms) => {
    const { counts, feedback, endpoints } = setUp([5, ms, 5])
    feedback.failed(endpoints[1] as Endpoint, 0.1)
    expect(counts()[1]).toBe(0)
  })

  it('does not either where answers take longer than what a failure counts', () => {
    const { picker, feedback, endpoints } = setUp([4000, 4000, null])
    const failing = endpoints[2] as Endpoint
    let picked = 0
    for (let i = 0; i < 1000; i++) {
      if (picker.pick(pickInput()) !== failing) continue
      picked++
      feedback.failed(failing, 0.1)
    }
    // Each failure counts for twice the one before: 1 s, 2 s, 4 s, and 8 s is out.
    expect(picked).toBeLessThanOrEqual(4)
  })

  it('takes what a client waited in vain for the least that an answer takes', () => {
    const { counts, feedback, endpoints } = setUp([5, 5])
    feedback.abandoned(endpoints[0] as Endpoint, 3000)
    expect(counts()).toEqual([0, 1000])
    feedback.abandoned(endpoints[1] as Endpoint, 1)
    expect(endpoints[1]?.cell.peakUs()).toBe(5000)
  })

  it('knows what another thread measured', () => {
    const ledger = Ledger.create(2, 0)
    const here = makeEndpoints([1, 1], ledger)
    const { counts } = setUp([5, 5], here)
    const elsewhere = setUp([null, null], makeEndpoints([1, 1], ledger))
    elsewhere.feedback.answered(elsewhere.endpoints[1] as Endpoint, 80)
    expect(counts()).toEqual([1000, 0])
  })

  it('tries another one when the best was tried', () => {
    const { picker, endpoints } = setUp([5, 50, 500])
    const [best, second] = endpoints as [Endpoint, Endpoint]
    for (let i = 0; i < 100; i++) expect(picker.pick(pickInput({ tried: [best] }))).toBe(second)
  })

  it('stays right while the lower half of the clock wraps', () => {
    const { feedback, endpoints, counts, clock } = setUp([5, 5])
    clock.ms = 2 ** 31 - 1000
    for (const [at, ms] of [5, 100].entries()) {
      endpoints[at]?.cell.clear()
      feedback.answered(endpoints[at] as Endpoint, ms)
    }
    clock.ms += 2000
    expect(counts()[1]).toBe(0)
  })
})
