import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SlotAllocator } from '../../../src/control/slots.ts'

function setUp() {
  const inflight = new Map<number, number>()
  const cleared: number[] = []
  const reserved: number[] = []
  const slots = new SlotAllocator({
    reserve: (rows) => reserved.push(rows),
    isIdle: (slot) => (inflight.get(slot) ?? 0) === 0,
    clear: (slot) => cleared.push(slot),
  })
  return { slots, inflight, cleared, reserved }
}

describe('slots of the Ledger', () => {
  it('are reserved as they are needed', () => {
    const { slots, reserved } = setUp()
    expect([slots.allot(), slots.allot()]).toEqual([0, 1])
    expect(reserved).toEqual([1, 2])
  })

  it('are used again once unseen and idle, cleared first', () => {
    const { slots, inflight, cleared } = setUp()
    const slot = slots.allot()
    const seen = { by: 1 }
    inflight.set(slot, 1)
    slots.retire(slot, () => seen.by === 0)
    slots.collect()
    seen.by = 0
    slots.collect()
    expect(slots.allot()).toBe(1)
    inflight.set(slot, 0)
    slots.collect()
    expect(cleared).toEqual([slot])
    expect(slots.allot()).toBe(slot)
    expect(slots.allot()).toBe(2)
  })

  it('never hold two live endpoints, nor one that somebody still sees or counts in', () => {
    const step = fc.oneof(
      fc.constant({ type: 'allot' } as const),
      fc.record({ type: fc.constantFrom('retire', 'unsee', 'idle', 'busy'), pick: fc.nat(20) }),
      fc.constant({ type: 'collect' } as const),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { slots, inflight } = setUp()
        const misused: number[] = []
        const live = new Set<number>()
        const seen = new Set<number>()
        for (const given of steps) {
          if (given.type === 'collect') slots.collect()
          else if (given.type === 'allot') {
            const slot = slots.allot()
            if (live.has(slot) || seen.has(slot) || (inflight.get(slot) ?? 0) > 0) misused.push(slot)
            live.add(slot)
            seen.add(slot)
          } else if (given.type === 'retire') {
            const slot = [...live][given.pick]
            if (slot === undefined) continue
            live.delete(slot)
            slots.retire(slot, () => !seen.has(slot))
          } else {
            const slot = [...seen][given.pick]
            if (slot === undefined) continue
            // A data thread counts in what it sees; it stops to see what was retired.
            if (given.type === 'busy') inflight.set(slot, 1)
            if (given.type === 'idle') inflight.set(slot, 0)
            if (given.type === 'unsee' && !live.has(slot)) seen.delete(slot)
          }
        }
        expect(misused).toEqual([])
      }),
    )
  })
})
