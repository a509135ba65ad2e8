import type { EjectionReason } from './decision.ts'

/** Integer columns of an endpoint row; after them comes one in-flight column per worker. */
const inflight = 0
const consecutive = 1
const ejection = 2
const ejectedUntil = 3
const ejectedTimes = 4
const latency = 5
const peak = 6
const peakAt = 7
const coldPercent = 8
const endpointColumns = 9
/** Float columns of an endpoint row, one group per worker. */
const requests = 0
const failed = 1
const judged = 2
const judgedFailed = 3
const countColumns = 4

/** Index = the value in the `ejection` column; 0 = not ejected. */
const reasons: readonly (EjectionReason | null)[] = [null, 'connect', 'consecutive', 'success-rate', 'manual']

/** Rows of endpoints: integers under Atomics, and counts that are doubles with a single writer each. */
export interface EndpointSegment {
  readonly ints: SharedArrayBuffer
  readonly counts: SharedArrayBuffer
}

/** A thread's views of a segment. Its cells share them: two views of its own would be most of what a cell weighs. */
export interface EndpointViews {
  readonly ints: Int32Array
  readonly counts: Float64Array
}

export function viewsOf({ ints, counts }: EndpointSegment): EndpointViews {
  return { ints: new Int32Array(ints), counts: new Float64Array(counts) }
}

export function createEndpointSegment(rows: number, workers: number): EndpointSegment {
  return {
    ints: new SharedArrayBuffer(rows * (endpointColumns + workers) * 4),
    counts: new SharedArrayBuffer(rows * countColumns * workers * 8),
  }
}

/** What a worker has in flight to the endpoints of this segment. */
export function inflightOf({ ints }: EndpointViews, workers: number, worker: number): number {
  let sum = 0
  for (let base = 0; base < ints.length; base += endpointColumns + workers) {
    sum += Atomics.load(ints, base + endpointColumns + worker)
  }
  return sum
}

/** Gives back what a dead worker had in flight to the endpoints of this segment. */
export function takeBackInflight({ ints }: EndpointViews, workers: number, worker: number): void {
  for (let base = 0; base < ints.length; base += endpointColumns + workers) {
    const share = Atomics.exchange(ints, base + endpointColumns + worker, 0)
    if (share !== 0) Atomics.sub(ints, base + inflight, share)
  }
}

/** One endpoint's row. Every method is safe from every thread; `acquire`, `release` and `count` belong to data threads. */
export class EndpointCell {
  readonly #ints: Int32Array
  readonly #counts: Float64Array
  readonly #base: number
  readonly #own: number
  readonly #ownCounts: number
  readonly #countBase: number
  readonly #workers: number

  constructor({ ints, counts }: EndpointViews, row: number, workers: number, worker: number) {
    this.#ints = ints
    this.#counts = counts
    this.#base = row * (endpointColumns + workers)
    this.#own = this.#base + endpointColumns + worker
    this.#countBase = row * countColumns * workers
    this.#ownCounts = this.#countBase + worker * countColumns
    this.#workers = workers
  }

  /** Exchanges on their way to this endpoint now, over all threads. */
  inflight(): number {
    return Atomics.load(this.#ints, this.#base + inflight)
  }

  acquire(): void {
    Atomics.add(this.#ints, this.#own, 1)
    Atomics.add(this.#ints, this.#base + inflight, 1)
  }

  /** As `acquire`, unless `limit` exchanges are on their way already: then nothing is counted. */
  acquireWithin(limit: number): boolean {
    const at = this.#base + inflight
    Atomics.add(this.#ints, this.#own, 1)
    let current = Atomics.load(this.#ints, at)
    while (current < limit) {
      const found = Atomics.compareExchange(this.#ints, at, current, current + 1)
      if (found === current) return true
      current = found
    }
    Atomics.sub(this.#ints, this.#own, 1)
    return false
  }

  release(): void {
    Atomics.sub(this.#ints, this.#own, 1)
    Atomics.sub(this.#ints, this.#base + inflight, 1)
  }

  /** Counts one settled attempt of this thread. */
  count(isFailure: boolean): void {
    const at = this.#ownCounts
    this.#counts[at + requests] = (this.#counts[at + requests] as number) + 1
    if (isFailure) this.#counts[at + failed] = (this.#counts[at + failed] as number) + 1
  }

  /** Counts one attempt of this thread that says something about the endpoint; only where a success rate is asked for. */
  countEvidence(isFailure: boolean): void {
    const at = this.#ownCounts
    this.#counts[at + judged] = (this.#counts[at + judged] as number) + 1
    if (isFailure) this.#counts[at + judgedFailed] = (this.#counts[at + judgedFailed] as number) + 1
  }

  /** Attempts that `countEvidence` counted, and those of them that failed, over all threads since the row was cleared. */
  evidence(): { readonly requests: number; readonly failures: number } {
    return { requests: this.#sum(judged), failures: this.#sum(judgedFailed) }
  }

  requests(): number {
    return this.#sum(requests)
  }

  failures(): number {
    return this.#sum(failed)
  }

  /** Failures in a row that are evidence against the endpoint. */
  consecutiveFailures(): number {
    return Atomics.load(this.#ints, this.#base + consecutive)
  }

  /** @returns the number including this one */
  addConsecutiveFailure(): number {
    return Atomics.add(this.#ints, this.#base + consecutive, 1) + 1
  }

  clearConsecutiveFailures(): void {
    const at = this.#base + consecutive
    if (this.#ints[at] !== 0) Atomics.store(this.#ints, at, 0)
  }

  ejection(): EjectionReason | null {
    return reasons[Atomics.load(this.#ints, this.#base + ejection)] as EjectionReason | null
  }

  /** Deciseconds since the Ledger's origin (see Ledger.fromDeciseconds); meaningful while ejected. */
  ejectedUntil(): number {
    return Atomics.load(this.#ints, this.#base + ejectedUntil)
  }

  /** Ejections in a row, the factor of the next ejection time; set back once it has stayed in for long enough. */
  ejectedTimes(): number {
    return Atomics.load(this.#ints, this.#base + ejectedTimes)
  }

  setEjectedTimes(times: number): void {
    Atomics.store(this.#ints, this.#base + ejectedTimes, times)
  }

  setEjectedUntil(deciseconds: number): void {
    Atomics.store(this.#ints, this.#base + ejectedUntil, deciseconds)
  }

  /** True for exactly one caller of all threads: the one that has to report it. */
  eject(reason: EjectionReason): boolean {
    return Atomics.compareExchange(this.#ints, this.#base + ejection, 0, reasons.indexOf(reason)) === 0
  }

  /** Turns one ejection into another, when it is `from` that holds; true for exactly one caller. */
  replaceEjection(from: EjectionReason, to: EjectionReason): boolean {
    const before = reasons.indexOf(from)
    return Atomics.compareExchange(this.#ints, this.#base + ejection, before, reasons.indexOf(to)) === before
  }

  /** True for exactly one caller. Leaves the ejections in a row as they are. */
  restore(): boolean {
    Atomics.store(this.#ints, this.#base + consecutive, 0)
    return Atomics.exchange(this.#ints, this.#base + ejection, 0) !== 0
  }

  /** Takes an ejection for `reason` back, unless another one holds by now; true for exactly one caller. */
  undoEjection(reason: EjectionReason): boolean {
    const before = reasons.indexOf(reason)
    if (Atomics.compareExchange(this.#ints, this.#base + ejection, before, 0) !== before) return false
    Atomics.store(this.#ints, this.#base + consecutive, 0)
    return true
  }

  /** Moving average of the time to the response head, in milliseconds; 0 when nothing was measured. */
  latencyMs(): number {
    return Atomics.load(this.#ints, this.#base + latency) / 1000
  }

  /** Mixes one measured time into the average with weight 1/8; a lost update between threads does no harm. */
  addLatency(ms: number): void {
    const at = this.#base + latency
    const before = this.#ints[at] as number
    const us = Math.min(Math.round(ms * 1000), 2 ** 30)
    this.#ints[at] = before === 0 ? us : before + Math.round((us - before) / 8)
  }

  /**
   * The latency estimate of a balancer that keeps one, in microseconds; 0 = nothing was measured. Written and read without
   * Atomics: an estimate that is lost, or read with the time of another, is off by one measurement.
   */
  peakUs(): number {
    return this.#ints[this.#base + peak] as number
  }

  /** When it was written, in milliseconds of the monotonic clock, the lower 32 bits. */
  peakAtMs(): number {
    return this.#ints[this.#base + peakAt] as number
  }

  setPeak(us: number, atMs: number): void {
    this.#ints[this.#base + peak] = us
    this.#ints[this.#base + peakAt] = atMs
  }

  /** What a slow start still keeps from the endpoint of its weight, in percent; 0 = nothing. Written by the control plane. */
  coldPercent(): number {
    return Atomics.load(this.#ints, this.#base + coldPercent)
  }

  setColdPercent(percent: number): void {
    Atomics.store(this.#ints, this.#base + coldPercent, percent)
  }

  /** For a row that is used again by another endpoint. */
  clear(): void {
    this.#ints.fill(0, this.#base, this.#base + endpointColumns + this.#workers)
    this.#counts.fill(0, this.#countBase, this.#countBase + countColumns * this.#workers)
  }

  #sum(column: number): number {
    let sum = 0
    for (let i = 0; i < this.#workers; i++) sum += this.#counts[this.#countBase + i * countColumns + column] as number
    return sum
  }
}
