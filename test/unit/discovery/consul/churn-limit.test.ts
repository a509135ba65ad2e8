import { describe, expect, it } from 'vitest'
import { ChurnLimit } from '../../../../src/discovery/consul/churn-limit.ts'

function at(intervalMs: number) {
  const clock = { nowMs: 1_000_000, now: () => clock.nowMs }
  return { clock, limit: new ChurnLimit(intervalMs, clock) }
}

describe('the churn limit', () => {
  it('lets two queries through at once, then one per interval', () => {
    const { limit } = at(50)
    expect([limit.takeMs(), limit.takeMs(), limit.takeMs(), limit.takeMs()]).toEqual([0, 0, 50, 100])
  })

  it('stays at one per interval for who waits as told', () => {
    const { clock, limit } = at(50)
    limit.takeMs()
    limit.takeMs()
    for (let count = 0; count < 10; count++) {
      const waitMs = limit.takeMs()
      expect(waitMs).toBe(50)
      clock.nowMs += waitMs
    }
  })

  it('costs nothing while queries are further apart', () => {
    const { clock, limit } = at(50)
    for (let count = 0; count < 10; count++) {
      expect(limit.takeMs()).toBe(0)
      clock.nowMs += 50
    }
  })

  it('saves up no more than two', () => {
    const { clock, limit } = at(50)
    clock.nowMs += 3_600_000
    expect([limit.takeMs(), limit.takeMs(), limit.takeMs()]).toEqual([0, 0, 50])
  })
})
