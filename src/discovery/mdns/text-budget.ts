const perSecond = 100

/** How many new TXT records are read: unpacking one can cost half a millisecond, and whoever is on the network can send them. */
export class TextBudget {
  readonly #burst: number
  #left: number
  #sinceMs: number

  constructor(burst: number, nowMs: number) {
    this.#burst = burst
    this.#left = burst
    this.#sinceMs = nowMs
  }

  take(nowMs: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + ((nowMs - this.#sinceMs) / 1000) * perSecond)
    this.#sinceMs = nowMs
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
