import { describe, expect, it } from 'vitest'
import { fullJitterMs } from '../../../src/util/backoff.ts'
import { seededRandom } from '../../../src/util/random.ts'

const atMost = () => 1 - Number.EPSILON

describe('fullJitterMs', () => {
  it('doubles its ceiling with every failure up to the greatest', () => {
    const ceilings = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((failures) =>
      Math.round(fullJitterMs(failures, 100, 10_000, atMost)),
    )
    expect(ceilings).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
  })

  it('stays finite after any number of failures', () => {
    expect(fullJitterMs(1e9, 100, 10_000, atMost)).toBeLessThanOrEqual(10_000)
  })

  it('spreads over the whole range from 0', () => {
    const random = seededRandom(1)
    const delays = Array.from({ length: 1000 }, () => fullJitterMs(1, 100, 10_000, random))
    expect(Math.min(...delays)).toBeLessThan(2)
    expect(Math.max(...delays)).toBeGreaterThan(98)
    expect(delays.reduce((sum, delay) => sum + delay, 0) / 1000).toBeCloseTo(50, -1)
  })

  it('is random of itself', () => {
    expect(new Set(Array.from({ length: 10 }, () => fullJitterMs(5, 100, 10_000))).size).toBeGreaterThan(1)
  })
})
