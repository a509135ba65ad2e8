import type { EjectionReason } from './decision.ts'

/** Rows in one segment. Segments are added, never grown: a growable buffer costs three times as much per access. */
const rowsPerSegment = 1024

/** Integer columns of an endpoint row; after them comes one in-flight column per worker. */
const inflight = 0
const consecutive = 1
const ejection = 2
const ejectedUntil = 3
const ejectedTimes = 4
const latency = 5
const endpointColumns = 6
/** Float columns of an endpoint row, one group per worker. */
const requests = 0
const failed = 1
const countColumns = 2

const epoch = 0
const retryTokens = 1
const retryRefilledAt = 2
const serviceColumns = 4

/** Index = the value in the `ejection` column; 0 = not ejected. */
const reasons: readonly (EjectionReason | null)[] = [null, 'connect', 'consecutive', 'success-rate', 'manual']

/** The buffers of a Ledger, as they cross to another thread. Only the control plane appends. */
export interface LedgerShape {
  readonly workers: number
  /** `process.hrtime` milliseconds that count as 0 in the time columns, so that they fit 32 bits. */
  readonly originMs: number
  readonly endpoints: readonly { readonly ints: SharedArrayBuffer; readonly counts: SharedArrayBuffer }[]
  readonly services: readonly SharedArrayBuffer[]
  /** One count per worker, raised by its event loop. */
  readonly beats: SharedArrayBuffer
}

/**
 * The shared memory in which all data threads count: in-flight, consecutive failures, ejections, retry budgets.
 *
 * An endpoint row is `endpointColumns` integers and one in-flight integer per worker, so that a dead worker's share can be
 * taken back; its request and failure counts are doubles with a single writer each. Times are deciseconds since `originMs`.
 */
export class Ledger {
  readonly workers: number
  readonly originMs: number
  readonly #endpoints: { ints: SharedArrayBuffer; counts: SharedArrayBuffer }[]
  readonly #services: SharedArrayBuffer[]
  readonly #beats: Int32Array<SharedArrayBuffer>

  constructor(shape: LedgerShape) {
    this.workers = shape.workers
    this.originMs = shape.originMs
    this.#endpoints = [...shape.endpoints]
    this.#services = [...shape.services]
    this.#beats = new Int32Array(shape.beats)
  }

  static create(workers: number, originMs: number): Ledger {
    return new Ledger({ workers, originMs, endpoints: [], services: [], beats: new SharedArrayBuffer(workers * 4) })
  }

  shape(): LedgerShape {
    return {
      workers: this.workers,
      originMs: this.originMs,
      endpoints: [...this.#endpoints],
      services: [...this.#services],
      beats: this.#beats.buffer,
    }
  }

  /** A worker's event loop says that it turns. */
  beat(worker: number): void {
    Atomics.add(this.#beats, worker, 1)
  }

  /** Changes while that worker's event loop turns. */
  beats(worker: number): number {
    return Atomics.load(this.#beats, worker)
  }

  /** Takes over segments that the control plane added since. */
  attach(shape: LedgerShape): void {
    for (let i = this.#endpoints.length; i < shape.endpoints.length; i++) {
      this.#endpoints.push(shape.endpoints[i] as { ints: SharedArrayBuffer; counts: SharedArrayBuffer })
    }
    for (let i = this.#services.length; i < shape.services.length; i++) {
      this.#services.push(shape.services[i] as SharedArrayBuffer)
    }
  }

  /** Makes room for that many rows; true when segments were added and must be handed to the data threads. */
  reserve(endpointRows: number, serviceRows: number): boolean {
    let grown = false
    while (this.#endpoints.length * rowsPerSegment < endpointRows) {
      this.#endpoints.push({
        ints: new SharedArrayBuffer(rowsPerSegment * (endpointColumns + this.workers) * 4),
        counts: new SharedArrayBuffer(rowsPerSegment * countColumns * this.workers * 8),
      })
      grown = true
    }
    while (this.#services.length * rowsPerSegment < serviceRows) {
      this.#services.push(new SharedArrayBuffer(rowsPerSegment * serviceColumns * 4))
      grown = true
    }
    return grown
  }

  /** @param worker Column of the calling data thread; -1 for the control plane, which only reads and decides. */
  endpoint(slot: number, worker: number): EndpointCell {
    const segment = this.#endpoints[Math.floor(slot / rowsPerSegment)]
    if (segment === undefined) throw new RangeError(`no ledger segment holds endpoint row ${slot}`)
    return new EndpointCell(segment, slot % rowsPerSegment, this.workers, worker)
  }

  service(slot: number): ServiceCell {
    const segment = this.#services[Math.floor(slot / rowsPerSegment)]
    if (segment === undefined) throw new RangeError(`no ledger segment holds service row ${slot}`)
    return new ServiceCell(segment, slot % rowsPerSegment)
  }

  /** Gives back what a dead worker still had in flight; its column may then be used by its replacement. */
  takeBack(worker: number): void {
    for (const segment of this.#endpoints) {
      const ints = new Int32Array(segment.ints)
      const stride = endpointColumns + this.workers
      for (let base = 0; base < ints.length; base += stride) {
        const share = Atomics.exchange(ints, base + endpointColumns + worker, 0)
        if (share !== 0) Atomics.sub(ints, base + inflight, share)
      }
    }
  }

  /** Monotonic milliseconds as the time columns write them. */
  toDeciseconds(monotonicMs: number): number {
    return Math.ceil((monotonicMs - this.originMs) / 100)
  }

  fromDeciseconds(deciseconds: number): number {
    return deciseconds * 100 + this.originMs
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

  constructor(
    segment: { ints: SharedArrayBuffer; counts: SharedArrayBuffer },
    row: number,
    workers: number,
    worker: number,
  ) {
    this.#ints = new Int32Array(segment.ints)
    this.#counts = new Float64Array(segment.counts)
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
    Atomics.store(this.#ints, this.#base + consecutive, 0)
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

  /** Moving average of the time to the response head, in milliseconds; 0 when nothing was measured. */
  latencyMs(): number {
    return Atomics.load(this.#ints, this.#base + latency) / 1000
  }

  /** Mixes one measured time into the average with weight 1/8; a lost update between threads does no harm. */
  addLatency(ms: number): void {
    const at = this.#base + latency
    const before = Atomics.load(this.#ints, at)
    const us = Math.min(Math.round(ms * 1000), 2 ** 30)
    Atomics.store(this.#ints, at, before === 0 ? us : before + Math.round((us - before) / 8))
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

/** One service's row: the epoch that makes every thread rebuild its eligible list, and the retry budget. */
export class ServiceCell {
  readonly #ints: Int32Array
  readonly #base: number

  constructor(segment: SharedArrayBuffer, row: number) {
    this.#ints = new Int32Array(segment)
    this.#base = row * serviceColumns
  }

  /** Changes whenever an endpoint of the service is ejected or restored; compared at every pick. */
  epoch(): number {
    return Atomics.load(this.#ints, this.#base + epoch)
  }

  bumpEpoch(): void {
    Atomics.add(this.#ints, this.#base + epoch, 1)
  }

  /** Adds thousandths of a retry to the budget, up to `cap`. */
  depositRetry(milliTokens: number, cap: number): void {
    const at = this.#base + retryTokens
    if (Atomics.load(this.#ints, at) < cap) Atomics.add(this.#ints, at, milliTokens)
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
