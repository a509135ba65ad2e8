import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Lottery } from '../../../src/balance/lottery.ts'
import { seededRandom } from '../../../src/util/random.ts'
import { makeEndpoints } from '../../support/endpoints.ts'

const gridSize = 20_000

/** Every number of an even grid over [0, 1) once: draws come out as their exact shares, but for one grid step per column. */
function evenGrid(): () => number {
  let step = 0
  return () => (step++ % gridSize) / gridSize
}

describe('Lottery', () => {
  it('draws every member by exactly its share of the weights', () => {
    const weight = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(100, 65_535))
    fc.assert(
      fc.property(fc.array(weight, { minLength: 1, maxLength: 10 }), (weights) => {
        const lottery = new Lottery(makeEndpoints(weights), evenGrid())
        const counts = weights.map(() => 0)
        for (let i = 0; i < gridSize; i++) counts[lottery.draw()]!++
        const total = weights.reduce((sum, one) => sum + one, 0)
        for (const [index, one] of weights.entries()) {
          expect(Math.abs(counts[index]! - (gridSize * one) / total)).toBeLessThanOrEqual(weights.length + 1)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('draws by weight among those that are left for a retry', () => {
    const endpoints = makeEndpoints([1, 3, 6, 90])
    const lottery = new Lottery(endpoints, seededRandom(1))
    const counts = [0, 0, 0, 0]
    for (let i = 0; i < 9000; i++) counts[lottery.drawUntried([endpoints[3]!], 0)]!++
    expect(counts[0]).toBe(0)
    expect(counts[3]).toBe(0)
    expect(counts[1]! / 9000).toBeCloseTo(1 / 3, 1)
  })

  it('draws -1 when nothing is left for a retry', () => {
    const endpoints = makeEndpoints([1, 1])
    const lottery = new Lottery(endpoints, seededRandom(1))
    expect(lottery.drawUntried(endpoints, -1)).toBe(-1)
    expect(lottery.drawUntried([endpoints[0]!], 1)).toBe(-1)
  })

  it('draws any other member alike', () => {
    const lottery = new Lottery(makeEndpoints([1, 1000, 1]), seededRandom(1))
    const counts = [0, 0, 0]
    for (let i = 0; i < 2000; i++) counts[lottery.drawOther(1)]!++
    expect(counts[1]).toBe(0)
    expect(counts[0]! / 2000).toBeCloseTo(0.5, 1)
  })
})
