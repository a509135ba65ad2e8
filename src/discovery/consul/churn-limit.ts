import { systemClock, type Clock } from '../../util/clock.ts'

const burst = 2

/**
 * A token bucket against a registry that always has something new: two queries at once, then one per interval. A query that was
 * held at least that long costs nothing.
 */
export class ChurnLimit {
  readonly #intervalMs: number
  readonly #clock: Clock
  #paidUntilMs = 0

  constructor(intervalMs: number, clock: Clock = systemClock) {
    this.#intervalMs = intervalMs
    this.#clock = clock
  }

  /** Takes a token; returns after how many milliseconds it may be used, mostly 0. */
  takeMs(): number {
    const now = this.#clock.now()
    this.#paidUntilMs = Math.max(this.#paidUntilMs, now) + this.#intervalMs
    return Math.max(0, this.#paidUntilMs - now - burst * this.#intervalMs)
  }
}
