import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leastRequest } from '../../../src/balance/least-request.ts'
import type { Endpoint } from '../../../src/core/endpoint.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import type { Picker } from '../../../src/core/picker.ts'
import { seededRandom } from '../../../src/util/random.ts'
import { equalEndpoints, makeEndpoints } from '../../support/endpoints.ts'
import { balancing, pickInput } from '../../support/picking.ts'

function build(endpoints: readonly Endpoint[], seed = 1): Picker {
  return leastRequest.build(endpoints, balancing({ random: seededRandom(seed) }), null)
}

function acquire(endpoint: Endpoint, times: number): void {
  for (let i = 0; i < times; i++) endpoint.cell.acquire()
}

function pickSlots(picker: Picker, picks: number): number[] {
  return Array.from({ length: picks }, () => picker.pick(pickInput())!.slot)
}

describe('least-request', () => {
  it('picks an endpoint with the least in flight per weight, whatever the loads', () => {
    const load = fc.record({ weight: fc.integer({ min: 1, max: 5 }), inflight: fc.nat({ max: 9 }) })
    fc.assert(
      fc.property(fc.array(load, { minLength: 1, maxLength: 12 }), fc.nat(), (loads, seed) => {
        const endpoints = makeEndpoints(loads.map(({ weight }) => weight))
        for (const [index, { inflight }] of loads.entries()) acquire(endpoints[index]!, inflight)
        const picker = build(endpoints, seed)
        const least = Math.min(...loads.map(({ weight, inflight }) => inflight / weight))
        for (let i = 0; i < 5; i++) {
          const picked = loads[picker.pick(pickInput())!.slot]!
          expect(picked.inflight / picked.weight).toBe(least)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('fills up endpoints level by level when nothing is released', () => {
    const endpoints = equalEndpoints(4)
    const picker = build(endpoints)
    for (let i = 0; i < 40; i++) picker.pick(pickInput())!.cell.acquire()
    expect(endpoints.map(({ cell }) => cell.inflight())).toEqual([10, 10, 10, 10])
  })

  it('fills up by weight', () => {
    const endpoints = makeEndpoints([1, 2, 5])
    const picker = build(endpoints)
    for (let i = 0; i < 80; i++) picker.pick(pickInput())!.cell.acquire()
    expect(endpoints.map(({ cell }) => cell.inflight())).toEqual([10, 20, 50])
  })

  it('sees what other data threads have in flight', () => {
    const ledger = Ledger.create(2, 0)
    const endpoints = makeEndpoints([1, 1], ledger)
    const otherThread = new Ledger(ledger.shape()).endpoint(0, 1)
    const picker = build(endpoints)
    otherThread.acquire()
    expect(pickSlots(picker, 4)).toEqual([1, 1, 1, 1])
    otherThread.release()
    expect(new Set(pickSlots(picker, 4))).toEqual(new Set([0, 1]))
  })

  it('rotates among those that are equally loaded, wherever they stand', () => {
    const endpoints = equalEndpoints(10)
    for (const endpoint of endpoints) if (endpoint.slot > 1) acquire(endpoint, 1)
    const slots = pickSlots(build(endpoints), 100)
    for (let i = 1; i < slots.length; i++) expect(slots[i]).toBe(1 - slots[i - 1]!)
  })

  it('shares by weight among those that are equally loaded', () => {
    const slots = pickSlots(build(makeEndpoints([3, 1])), 400)
    expect(slots.filter((slot) => slot === 0)).toHaveLength(300)
  })

  it('does not flood an endpoint that was busy for long and is now as idle as the others', () => {
    const endpoints = equalEndpoints(3)
    const [slow] = endpoints as [Endpoint]
    const picker = build(endpoints)
    acquire(slow, 1)
    expect(pickSlots(picker, 300)).not.toContain(slow.slot)
    slow.cell.release()
    const turns = pickSlots(picker, 30).filter((slot) => slot === slow.slot).length
    expect(Math.abs(turns - 10)).toBeLessThanOrEqual(1)
  })
})
