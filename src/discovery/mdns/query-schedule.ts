import type { MdnsLimits } from './options.ts'

/** When a service is asked for: at once, then after gaps that double, so that an announcement that was lost is made good. */
export class QuerySchedule {
  readonly #limits: MdnsLimits
  #gapMs = 0
  #regularAtMs = 0
  #extraAtMs = Infinity

  constructor(limits: MdnsLimits, nowMs: number) {
    this.#limits = limits
    this.restart(nowMs)
  }

  get dueAtMs(): number {
    return Math.min(this.#regularAtMs, this.#extraAtMs)
  }

  restart(nowMs: number): void {
    this.#gapMs = this.#limits.queryGapMs
    this.#regularAtMs = nowMs
  }

  /** Once more, apart from the row. */
  askBy(atMs: number): void {
    this.#extraAtMs = Math.min(this.#extraAtMs, atMs)
  }

  /** Whether it is time; then the next time is planned. */
  take(nowMs: number): boolean {
    if (nowMs < this.dueAtMs) return false
    this.#extraAtMs = Infinity
    if (nowMs >= this.#regularAtMs) {
      this.#regularAtMs = nowMs + this.#gapMs
      this.#gapMs = Math.min(this.#gapMs * 2, this.#limits.maxQueryGapMs)
    }
    return true
  }
}
