import { describe, expect, it } from 'vitest'
import { ratios, slope, spread } from '../../../bench/macro/statistics.ts'

describe('the spread of several rounds', () => {
  it('has the middle value of an odd number of rounds, whatever their order', () => {
    expect(spread([9, 1, 4])).toEqual({ median: 4, min: 1, max: 9 })
  })

  it('has the mean of the two middle values of an even number of rounds', () => {
    expect(spread([10, 2, 4, 1])).toEqual({ median: 3, min: 1, max: 10 })
  })

  it('compares by size, not as texts, and leaves the rounds as they were', () => {
    const rounds = [100, 9, 20]
    expect(spread(rounds).median).toBe(20)
    expect(rounds).toEqual([100, 9, 20])
  })

  it('is refused without a round', () => {
    expect(() => spread([])).toThrow(RangeError)
  })
})

describe('ratios', () => {
  it('are taken round by round, so that a slow minute weighs on both sides', () => {
    expect(ratios([20, 60, 22], [10, 30, 10])).toEqual({ median: 2, min: 2, max: 2.2 })
  })

  it('are refused between different numbers of rounds', () => {
    expect(() => ratios([1, 2], [1])).toThrow('2 values against 1')
  })
})

describe('the slope of readings', () => {
  it('is that of the line they lie on', () => {
    const line = [
      [10, 5],
      [20, 7],
      [40, 11],
    ] as const
    expect(slope(line)).toBeCloseTo(0.2)
  })

  it('is that of the line between them where they scatter', () => {
    const scattered = [
      [0, 1],
      [0, -1],
      [10, 6],
      [10, 4],
    ] as const
    expect(slope(scattered)).toBeCloseTo(0.5)
  })

  it.each([
    [[]],
    [[[1, 2]]],
    [
      [
        [3, 1],
        [3, 2],
      ],
    ],
  ] as [[number, number][]][])('is refused for %j', (points) => {
    expect(() => slope(points)).toThrow(RangeError)
  })
})
