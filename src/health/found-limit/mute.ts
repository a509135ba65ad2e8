import type { Learned } from './phase.ts'

const firstMuteMs = 10_000
/** The longest mute is 2 to the power of this, less one, times the first: five minutes. */
const mostMisses = 6
/** Misses are forgotten when there was none for so long after the mute. */
const forgiveMs = 300_000

/** No overload was found where one was suspected: the service is left alone, twice as long each time. */
export function muted(learned: Learned, nowMs: number, missedAtMs: number): Learned {
  const isForgiven = nowMs > learned.mutedUntilMs + forgiveMs
  const misses = isForgiven ? 1 : Math.min(learned.misses + 1, mostMisses)
  return { ...learned, misses, mutedUntilMs: nowMs + firstMuteMs * 2 ** (misses - 1), missedAtMs }
}
