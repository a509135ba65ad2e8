import { describe, expect, it } from 'vitest'
import { firstBeatMs, heartbeatMs, nextBeatMs } from '../../../src/join/heartbeat.ts'
import { seededRandom } from '../../../src/util/random.ts'

describe('heartbeats', () => {
  it.each([
    [{ type: 'ttl', ttlMs: 15_000 }, 5000],
    [{ type: 'ttl', ttlMs: 3000 }, 1000],
    [{ type: 'ttl', ttlMs: 60_000 }, 5000],
    [{ type: 'tcp', address: '127.0.0.1:1', intervalMs: 1, timeoutMs: 1 }, 5000],
  ] as const)('of %j come every %i ms', (check, periodMs) => {
    expect(heartbeatMs(check)).toBe(periodMs)
  })

  it('of a hundred services that joined at once are spread over the whole period, from the first on', () => {
    const random = seededRandom(1)
    const tenths = Array.from({ length: 10 }, () => 0)
    for (let i = 0; i < 100; i++) tenths[Math.floor(firstBeatMs(5000, random) / 500)]! += 1
    expect(Math.min(...tenths)).toBeGreaterThan(0)
    expect(Math.max(...tenths)).toBeLessThan(25)
  })

  it('are never late, and at most a tenth early', () => {
    expect(nextBeatMs(5000, 0, () => 0)).toBe(5000)
    expect(nextBeatMs(5000, 0, () => 0.999)).toBeGreaterThan(4500)
  })

  it('come sooner after a failure, and never later than a period', () => {
    expect(nextBeatMs(5000, 1, () => 0.5)).toBe(150)
    for (const failures of [1, 5, 50]) expect(nextBeatMs(5000, failures, () => 0.999)).toBeLessThanOrEqual(5000)
  })
})
