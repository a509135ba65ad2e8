import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/util/random.ts'

function draw(seed: number, count: number): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, random)
}

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, others for another', () => {
    expect(draw(7, 100)).toEqual(draw(7, 100))
    expect(draw(7, 100)).not.toEqual(draw(8, 100))
  })

  it('gives the numbers of Mulberry32', () => {
    expect(draw(0, 3).map((number) => number * 2 ** 32)).toEqual([1_144_304_738, 1_416_247, 958_946_056])
  })

  it.each([0, 1, -1, 2 ** 31, 2 ** 32 - 1, Date.UTC(2030, 0)])(
    'stays in [0, 1), spread evenly, from seed %i',
    (seed) => {
      const tenths = Array.from({ length: 10 }, () => 0)
      for (const number of draw(seed, 20_000)) {
        expect(number >= 0 && number < 1).toBe(true)
        tenths[Math.floor(number * 10)]!++
      }
      for (const count of tenths) expect(Math.abs(count - 2000)).toBeLessThan(200)
    },
  )
})
