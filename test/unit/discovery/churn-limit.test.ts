import { describe, expect, it } from 'vitest'
import { ChurnLimit } from '../../../src/discovery/churn-limit.ts'

function start() {
  const clock = { nowMs: 1_000_000, now: () => clock.nowMs }
  return { clock, limit: new ChurnLimit(clock) }
}

describe('the churn limit', () => {
  it('lets two queries through at once, then one per interval', () => {
    const { limit } = start()
    expect([limit.takeMs(50), limit.takeMs(50), limit.takeMs(50), limit.takeMs(50)]).toEqual([0, 0, 50, 100])
  })

  it('stays at one per interval for who waits as told', () => {
    const { clock, limit } = start()
    limit.takeMs(50)
    limit.takeMs(50)
    for (let count = 0; count < 10; count++) {
      const waitMs = limit.takeMs(50)
      expect(waitMs).toBe(50)
      clock.nowMs += waitMs
    }
  })

  it('costs nothing while queries are further apart', () => {
    const { clock, limit } = start()
    for (let count = 0; count < 10; count++) {
      expect(limit.takeMs(50)).toBe(0)
      clock.nowMs += 50
    }
  })

  it('saves up no more than two', () => {
    const { clock, limit } = start()
    clock.nowMs += 3_600_000
    expect([limit.takeMs(50), limit.takeMs(50), limit.takeMs(50)]).toEqual([0, 0, 50])
  })
})
