import { systemClock, type Clock } from '../util/clock.ts'

const burst = 2

/**
 * A token bucket against a registry that always has something new: two queries at once, then one per interval. A query that was
 * held at least that long costs nothing.
 */
export class ChurnLimit {
  readonly #clock: Clock
  #paidUntilMs = 0

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** Takes a token that grows again in `intervalMs`; returns after how many milliseconds it may be used, mostly 0. */
  takeMs(intervalMs: number): number {
    const now = this.#clock.now()
    this.#paidUntilMs = Math.max(this.#paidUntilMs, now) + intervalMs
    return Math.max(0, this.#paidUntilMs - now - burst * intervalMs)
  }
}
