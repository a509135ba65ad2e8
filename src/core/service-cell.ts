const epoch = 0
const retryTokens = 1
const retryRefilledAt = 2
const foundRequests = 3
const foundPending = 4
const foundPerWeight = 5
const serviceColumns = 6
/** Float columns of a service row, one group per worker. */
const answered = 0
const tookMs = 1
const leastMs = 2
const unanswered = 3
const timeColumns = 4

/** What takes longer is a long poll, not an answer that waited in a queue: it is not counted. */
export const longestAnswerMs = 5000

/** Thousandths of a request, for what an endpoint may have per unit of its weight. */
const milli = 1000

/** Rows of services: integers under Atomics, and what answers took, in doubles with a single writer each. */
export interface ServiceSegment {
  readonly ints: SharedArrayBuffer
  readonly times: SharedArrayBuffer
}

export function createServiceSegment(rows: number, workers: number): ServiceSegment {
  return {
    ints: new SharedArrayBuffer(rows * serviceColumns * 4),
    times: new SharedArrayBuffer(rows * timeColumns * workers * 8),
  }
}

/** How much of a service is used at a time, as the control plane has found it out. */
export interface FoundLimits {
  /** Exchanges with a place; at least 1. */
  readonly requests: number
  /** Exchanges that wait; null = whoever comes, as long as it takes. */
  readonly pending: number | null
  /** Attempts at an endpoint for each unit of its weight; null = as many as come. */
  readonly perWeight: number | null
}

/** What the answers of all threads took. */
export interface AnswerTimes {
  readonly answers: number
  readonly sumMs: number
  /** Null when none came. */
  readonly leastMs: number | null
  /** Attempts that ended without one. */
  readonly unanswered: number
}

/**
 * One service's row: the epoch that makes every thread rebuild its eligible list, the retry budget, what answers take, and the limits
 * that the control plane finds from it.
 */
export class ServiceCell {
  readonly #ints: Int32Array
  readonly #times: Float64Array
  readonly #base: number
  /** Of this thread; those of one thread lie together, so that threads don't write into each other's cache lines. */
  readonly #own: number
  readonly #row: number
  readonly #rowsOfWorker: number

  /** @param worker -1 for the control plane, which measures nothing */
  constructor({ ints, times }: ServiceSegment, row: number, workers: number, worker: number) {
    this.#ints = new Int32Array(ints)
    this.#times = new Float64Array(times)
    this.#base = row * serviceColumns
    this.#row = row * timeColumns
    this.#rowsOfWorker = this.#times.length / workers
    this.#own = worker * this.#rowsOfWorker + this.#row
  }

  /** Counts what one answer took, in this thread. */
  addAnswer(ms: number): void {
    if (ms > longestAnswerMs) return
    const at = this.#own
    const times = this.#times
    times[at + answered] = (times[at + answered] as number) + 1
    times[at + tookMs] = (times[at + tookMs] as number) + ms
    const least = times[at + leastMs] as number
    // 0 = none since the last look. A time that is lost to a look at the same moment does no harm.
    if (least === 0 || ms < least) times[at + leastMs] = ms
  }

  /** Counts an attempt of this thread that ended without an answer. */
  addUnanswered(): void {
    const at = this.#own + unanswered
    this.#times[at] = (this.#times[at] as number) + 1
  }

  /** What came since the row was cleared, but for the least: that is since the last look. For the control plane. */
  takeAnswers(): AnswerTimes {
    let [answers, sumMs, least, without] = [0, 0, Infinity, 0]
    for (let at = this.#row; at < this.#times.length; at += this.#rowsOfWorker) {
      answers += this.#times[at + answered] as number
      sumMs += this.#times[at + tookMs] as number
      without += this.#times[at + unanswered] as number
      const own = this.#times[at + leastMs] as number
      if (own === 0) continue
      this.#times[at + leastMs] = 0
      least = Math.min(least, own)
    }
    return { answers, sumMs, leastMs: least === Infinity ? null : least, unanswered: without }
  }

  /** Exchanges that may have a place; 0 = no limit was found. Read for each request, without Atomics, as the epoch is. */
  foundRequests(): number {
    return this.#ints[this.#base + foundRequests] as number
  }

  /** Null = whoever comes may wait, as long as it takes. Meaningful where a limit was found. */
  foundPending(): number | null {
    const pending = this.#ints[this.#base + foundPending] as number
    return pending < 0 ? null : pending
  }

  /** Attempts that an endpoint of this weight may have; null = no limit was found. Meaningful where a limit was found. */
  foundPerEndpoint(weight: number): number | null {
    const perWeight = this.#ints[this.#base + foundPerWeight] as number
    return perWeight < 0 ? null : Math.max(1, Math.ceil((perWeight * weight) / milli))
  }

  /** For the control plane. Null = there is no limit. */
  setFound(found: FoundLimits | null): void {
    const at = this.#base
    if (found === null) return void Atomics.store(this.#ints, at + foundRequests, 0)
    const { requests, pending, perWeight } = found
    // The limit last: the others mean nothing without it.
    Atomics.store(this.#ints, at + foundPending, pending ?? -1)
    Atomics.store(this.#ints, at + foundPerWeight, perWeight === null ? -1 : toInt(perWeight * milli))
    Atomics.store(this.#ints, at + foundRequests, toInt(requests))
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
    for (let at = this.#row; at < this.#times.length; at += this.#rowsOfWorker)
      this.#times.fill(0, at, at + timeColumns)
  }
}

function toInt(value: number): number {
  return Math.min(Math.max(1, Math.ceil(value)), 2 ** 31 - 1)
}
