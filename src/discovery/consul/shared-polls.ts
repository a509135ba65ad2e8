import { ChurnLimit } from '../churn-limit.ts'
import { CheckTable } from './check-table.ts'
import type { ConsulClient, Reading } from './client.ts'
import type { ServiceRows } from './instances.ts'
import { pause } from '../pause.ts'
import { Poll, type PolledReading } from './poll.ts'
import { ReadQueue } from '../read-queue.ts'
import { ServiceTable } from './service-table.ts'
import type { Watcher } from './watcher.ts'

type Checks = PolledReading<readonly unknown[]>
type Services = PolledReading<Readonly<Record<string, unknown>>>

const maxReads = 8
// About ten times what an answer costs, and what each of its rows costs, to take in.
const busyIntervalMs = 10
const busyMsPerRow = 0.02
const minSweepIntervalMs = 500
/** Keeps sweeps near 300 reads per second however often something registers. */
const sweepMsPerWatcher = 3
/** A follower that answers a stale read is usually less than 50 ms behind the one that woke us. */
const secondLookMs = 250

/**
 * Keeps any number of watchers up to date by two blocking queries: every check's status, and the catalog's services. What wakes
 * them tells whose instances to read again. Only new instances without checks, new addresses, weights and metadata leave no
 * trace in either: when the catalog's index moves, all services are read again, those with visible changes first, then
 * those that are absent or unchecked.
 */
export class SharedPolls {
  readonly #client: ConsulClient
  readonly #signal: AbortSignal
  readonly #watchers: ReadonlySet<Watcher>
  readonly #reads: ReadQueue<Watcher>
  readonly #checks = new CheckTable()
  readonly #services = new ServiceTable()
  readonly #sweepLimit = new ChurnLimit()
  readonly #awaitsChange = new Set<Watcher>()
  /** Their last reading was older than the one before. */
  readonly #behind = new WeakSet<Watcher>()
  #hasBaseline = false
  #sweepIsDue = false

  /** `watchers` is read live; one that joins later is announced by `add`. */
  constructor(client: ConsulClient, watchers: ReadonlySet<Watcher>, signal: AbortSignal) {
    this.#client = client
    this.#watchers = watchers
    this.#signal = signal
    this.#reads = new ReadQueue(maxReads, async (watcher) => this.#read(watcher))
  }

  /** Runs until the signal aborts; rejects when one of the two queries fails. */
  async run(): Promise<void> {
    const checks = new Poll(this.#client.checks, this.#signal)
    const services = new Poll(this.#client.services, this.#signal)
    const nextChecks = () => checks.next((reading) => this.#onChecks(reading))
    const nextServices = () => services.next((reading) => this.#onServices(reading))
    try {
      // What changes after these two answers wakes a query, what changed before is in the reads that follow them.
      await Promise.all([nextChecks(), nextServices()])
      this.#hasBaseline = true
      for (const watcher of this.#watchers) this.add(watcher)
      await Promise.all([this.#follow(nextChecks), this.#follow(nextServices)])
    } catch (error) {
      if (!this.#signal.aborted) throw error
    }
  }

  /** Reads a watcher's service for the first time. */
  add(watcher: Watcher): void {
    if (this.#hasBaseline) this.#reads.add(watcher, false)
  }

  /** @param next takes an answer, and resolves to how many rows it has */
  async #follow(next: () => Promise<number>): Promise<void> {
    const limit = new ChurnLimit()
    while (!this.#signal.aborted) {
      await pause(limit.takeMs(busyIntervalMs + busyMsPerRow * (await next())), this.#signal)
    }
  }

  /** @returns how many rows it has */
  #onChecks({ body, move }: Checks): number {
    const { services, nodes } = this.#checks.replace(body)
    if (!this.#hasBaseline) return body.length
    for (const watcher of this.#watchers) {
      const isConcerned = services.has(watcher.service) || [...nodes].some((node) => watcher.isOn(node))
      if (isConcerned) this.#suspect(watcher)
    }
    if (move === 'back') this.#doubtAll()
    return body.length
  }

  /** @returns how many there are */
  #onServices({ body, move }: Services): number {
    const changed = this.#services.replace(body)
    const rows = Object.keys(body).length
    if (!this.#hasBaseline) return rows
    for (const watcher of this.#watchers) if (changed.has(watcher.service)) this.#suspect(watcher)
    if (move === 'back') this.#doubtAll()
    else if (move !== 'same') void this.#sweep()
    return rows
  }

  #suspect(watcher: Watcher): void {
    this.#awaitsChange.add(watcher)
    this.#reads.add(watcher, true)
  }

  #doubtAll(): void {
    for (const watcher of this.#watchers) {
      watcher.doubt()
      this.#reads.add(watcher, true)
    }
  }

  /** Reads all services again; one sweep that waits for its turn stands for all that are asked for meanwhile. */
  async #sweep(): Promise<void> {
    if (this.#sweepIsDue) return
    this.#sweepIsDue = true
    const intervalMs = Math.max(minSweepIntervalMs, this.#watchers.size * sweepMsPerWatcher)
    await pause(this.#sweepLimit.takeMs(intervalMs), this.#signal)
    this.#sweepIsDue = false
    if (this.#signal.aborted) return
    const all = [...this.#watchers]
    for (const watcher of all) if (watcher.isUnchecked) this.#reads.add(watcher, false)
    for (const watcher of all) if (!watcher.isUnchecked) this.#reads.add(watcher, false)
  }

  async #read(watcher: Watcher): Promise<void> {
    const awaitsChange = this.#awaitsChange.delete(watcher)
    if (!watcher.box.isOpen) return
    const take = (reading: Reading<ServiceRows>) => this.#take(watcher, reading, awaitsChange)
    try {
      await this.#client.service(watcher.service, watcher.filter)({ index: null, signal: this.#signal }, take)
    } catch (error) {
      if (!this.#signal.aborted) watcher.box.fail(error)
    }
  }

  #take(watcher: Watcher, reading: Reading<ServiceRows>, awaitsChange: boolean): void {
    // A read that does not block may be answered by a server that lags behind the last one, with who has left since. What is
    // behind still at the second look has lost its memory.
    if (watcher.isAheadOf(reading) && !this.#behind.delete(watcher)) {
      this.#behind.add(watcher)
      if (awaitsChange) this.#awaitsChange.add(watcher)
      return void this.#lookAgain(watcher)
    }
    this.#behind.delete(watcher)
    const hasChanged = watcher.accept(reading)
    if (awaitsChange && !hasChanged) void this.#lookAgain(watcher)
  }

  async #lookAgain(watcher: Watcher): Promise<void> {
    await pause(secondLookMs, this.#signal)
    if (!this.#signal.aborted) this.#reads.add(watcher, true)
  }
}
