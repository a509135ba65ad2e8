const epoch = 0
const retryTokens = 1
const retryRefilledAt = 2
const serviceColumns = 4

export function createServiceSegment(rows: number): SharedArrayBuffer {
  return new SharedArrayBuffer(rows * serviceColumns * 4)
}

/** One service's row: the epoch that makes every thread rebuild its eligible list, and the retry budget. */
export class ServiceCell {
  readonly #ints: Int32Array
  readonly #base: number

  constructor(segment: SharedArrayBuffer, row: number) {
    this.#ints = new Int32Array(segment)
    this.#base = row * serviceColumns
  }

  /**
   * Changes whenever an endpoint of the service is ejected or restored; compared at every pick. Read without Atomics, which V8
   * calls as functions: a thread may see a change an instant later.
   */
  epoch(): number {
    return this.#ints[this.#base + epoch] as number
  }

  bumpEpoch(): void {
    Atomics.add(this.#ints, this.#base + epoch, 1)
  }

  /** Adds thousandths of a retry to the budget, up to `cap`. */
  depositRetry(milliTokens: number, cap: number): void {
    const at = this.#base + retryTokens
    if ((this.#ints[at] as number) < cap) Atomics.add(this.#ints, at, milliTokens)
  }

  /** Takes one retry out of the budget; false when it is spent. */
  withdrawRetry(): boolean {
    const at = this.#base + retryTokens
    for (;;) {
      const had = Atomics.load(this.#ints, at)
      if (had < 1000) return false
      if (Atomics.compareExchange(this.#ints, at, had, had - 1000) === had) return true
    }
  }

  /** When the time-based part of the budget was last added, in deciseconds; one caller wins each step. */
  claimRefill(deciseconds: number): number {
    const at = this.#base + retryRefilledAt
    const before = Atomics.load(this.#ints, at)
    if (deciseconds <= before) return 0
    return Atomics.compareExchange(this.#ints, at, before, deciseconds) === before ? deciseconds - before : 0
  }

  clear(): void {
    this.#ints.fill(0, this.#base, this.#base + serviceColumns)
  }
}
