import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { roundRobin } from '../../../src/balance/round-robin.ts'
import type { Endpoint } from '../../../src/core/endpoint.ts'
import type { Picker } from '../../../src/core/picker.ts'
import { seededRandom } from '../../../src/util/random.ts'
import { equalEndpoints, makeEndpoints } from '../../support/endpoints.ts'
import { balancing, pickInput } from '../../support/picking.ts'

const weightsAndSeed = [fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 }), fc.nat()] as const

function build(endpoints: readonly Endpoint[], seed: number, previous: Picker | null = null): Picker {
  return roundRobin.build(endpoints, balancing({ random: seededRandom(seed) }), previous)
}

function pickSlots(picker: Picker, picks: number): number[] {
  return Array.from({ length: picks }, () => picker.pick(pickInput())!.slot)
}

function countSlots(slots: readonly number[], size: number): number[] {
  const counts = Array.from({ length: size }, () => 0)
  for (const slot of slots) counts[slot] = counts[slot]! + 1
  return counts
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

describe('round-robin', () => {
  it('gives equal endpoints their turns in the order of the list', () => {
    const slots = pickSlots(build(equalEndpoints(3), 1), 3000)
    for (let i = 1; i < slots.length; i++) expect(slots[i]).toBe((slots[i - 1]! + 1) % 3)
  })

  it('shares exactly by weight over every run of one cycle, wherever it begins', () => {
    fc.assert(
      fc.property(...weightsAndSeed, (weights, seed) => {
        const cycle = sum(weights)
        const slots = pickSlots(build(makeEndpoints(weights), seed), cycle * 4)
        for (let from = 0; from <= cycle * 3; from++) {
          expect(countSlots(slots.slice(from, from + cycle), weights.length)).toEqual(weights)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('spreads the turns of a heavy endpoint between those of the others', () => {
    const slots = pickSlots(build(makeEndpoints([5, 1, 1, 1, 1, 1]), 1), 1000)
    let run = 0
    for (const slot of slots) {
      run = slot === 0 ? run + 1 : 0
      expect(run).toBeLessThanOrEqual(2)
    }
  })

  it('shares exactly over a cycle of the largest weights', () => {
    const weights = [65535, 1, 32768, 9999]
    const slots = pickSlots(build(makeEndpoints(weights), 3), sum(weights))
    expect(countSlots(slots, 4)).toEqual(weights)
  })

  it('stays exact over many cycles', () => {
    const weights = [7, 3, 1]
    const picker = build(makeEndpoints(weights), 3)
    expect(countSlots(pickSlots(picker, 11 * 20_000), 3)).toEqual([140_000, 60_000, 20_000])
  })

  it('goes on after a rebuild of an unchanged list as if there had been none', () => {
    fc.assert(
      fc.property(...weightsAndSeed, fc.array(fc.nat({ max: 15 }), { maxLength: 10 }), (weights, seed, pauses) => {
        const endpoints = makeEndpoints(weights)
        const undisturbed = pickSlots(build(endpoints, seed), sum(pauses))
        let picker = build(endpoints, seed)
        const rebuilt: number[] = []
        for (const picks of pauses) {
          rebuilt.push(...pickSlots(picker, picks))
          picker = build(endpoints, seed + 1, picker)
        }
        expect(rebuilt).toEqual(undisturbed)
      }),
      { numRuns: 300 },
    )
  })

  it('stays exact when every rebuild brings the list in another order', () => {
    const endpoints = equalEndpoints(5)
    let picker: Picker | null = null
    const slots: number[] = []
    for (let i = 0; i < 1000; i++) {
      const shuffled = endpoints.map((_, index) => endpoints[(index * 3 + i) % 5]!)
      picker = build(shuffled, i, picker)
      slots.push(...pickSlots(picker, 1))
    }
    expect(countSlots(slots, 5)).toEqual([200, 200, 200, 200, 200])
  })

  it('does not begin anew when an endpoint joins or leaves', () => {
    const endpoints = equalEndpoints(8)
    const before = build(endpoints.slice(0, 6), 1)
    const picked = pickSlots(before, 3)
    const joined = build(endpoints, 2, before)
    picked.push(...pickSlots(joined, 20).filter((slot) => slot < 6))
    expect(new Set(picked.slice(0, 6)).size).toBe(6)

    const rest = endpoints.slice(2)
    const left = build(rest, 3, joined)
    const [next] = pickSlots(joined, 40).filter((slot) => slot >= 2)
    expect(pickSlots(left, 1)).toEqual([next])
  })

  it('shares among the others alike while one endpoint comes and goes with every pick', () => {
    const endpoints = equalEndpoints(4)
    let picker: Picker | null = null
    const slots: number[] = []
    for (let i = 0; i < 3000; i++) {
      picker = build(i % 2 === 0 ? endpoints : endpoints.slice(0, 3), i, picker)
      slots.push(...pickSlots(picker, 1))
    }
    const [a, b, c] = countSlots(slots, 4) as [number, number, number, number]
    expect(Math.max(a, b, c) - Math.min(a, b, c)).toBeLessThanOrEqual(2)
  })

  it('follows a change of weights at a rebuild', () => {
    const endpoints = makeEndpoints([1, 1])
    const before = build(endpoints, 1)
    pickSlots(before, 5)
    endpoints[0]!.weight = 4
    const slots = pickSlots(build(endpoints, 1, before), 5000)
    expect(countSlots(slots, 2)).toEqual([4000, 1000])
  })

  it('counts a retry as a turn and leaves the others theirs', () => {
    const endpoints = equalEndpoints(3)
    const picker = build(endpoints, 1)
    const first = picker.pick(pickInput())!
    const second = picker.pick(pickInput({ tried: [first] }))!
    const third = picker.pick(pickInput())!
    expect(new Set([first, second, third])).toEqual(new Set(endpoints))
    expect(picker.pick(pickInput())).toBe(first)
  })
})
