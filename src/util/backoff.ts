import type { Random } from './random.ts'

/**
 * Delay before attempt `failures` (1 = after the first failure): exponential from `baseMs`, capped at `maxMs`, full jitter
 * (uniform between 0 and the cap), so that many watchers that failed together do not come back together.
 */
export function fullJitterMs(failures: number, baseMs: number, maxMs: number, random: Random = Math.random): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 30))
  return random() * ceiling
}
