import { AdmissionCell, type AdmissionSegment, createAdmissionSegment, takeBackQueue } from './admission-cell.ts'
import {
  createEndpointSegment,
  EndpointCell,
  type EndpointSegment,
  type EndpointViews,
  inflightOf,
  takeBackInflight,
  viewsOf,
} from './endpoint-cell.ts'
import { KeyedCounts } from './keyed-counts.ts'
import { createCountSegment, LimitedCount } from './limited-count.ts'
import { createServiceSegment, ServiceCell, type ServiceSegment } from './service-cell.ts'
import { createWorkerRows, WorkerCell } from './worker-cell.ts'

/** Rows in one segment. Segments are added, never grown: a growable buffer costs three times as much per access. */
const rowsPerSegment = 1024
const listenersPerSegment = 64

/** Rows of a listener's table of clients: four per connection it may have, so that it is full before the table is. */
const rowsPerConnection = 4
/** The table keeps its size when a reload allows more connections: room for 16,000, of which the system gives what is used. */
const minClientRows = 2 ** 16
/** About half a million clients at once; a process has no descriptors for more. */
const maxClientRows = 2 ** 21

/** The buffers of a Ledger, as they cross to another thread. Only the control plane appends. */
export interface LedgerShape {
  /** Columns: one for each data thread that may run at a time. */
  readonly workers: number
  /** `process.hrtime` milliseconds that count as 0 in the time columns, so that they fit 32 bits. */
  readonly originMs: number
  readonly endpoints: readonly EndpointSegment[]
  readonly services: readonly ServiceSegment[]
  /** Rows as `services`. */
  readonly admissions: readonly AdmissionSegment[]
  readonly listeners: readonly SharedArrayBuffer[]
  /** By listener row; null where connections per client have never been limited. */
  readonly clients: readonly (SharedArrayBuffer | null)[]
  readonly vitals: SharedArrayBuffer
}

/**
 * The shared memory in which all data threads count: in-flight, consecutive failures, ejections, retry budgets, client
 * connections, and how the threads themselves are.
 *
 * Whatever a thread holds for a while (an exchange in flight, a connection) is also counted in a column of its own, so that a
 * dead worker's share can be taken back. Times are deciseconds since `originMs`.
 */
export class Ledger {
  readonly workers: number
  readonly originMs: number
  readonly #endpoints: EndpointSegment[]
  /** Of `#endpoints`. */
  readonly #endpointViews: EndpointViews[]
  readonly #services: ServiceSegment[]
  readonly #admissions: AdmissionSegment[]
  readonly #listeners: SharedArrayBuffer[]
  readonly #clients: (SharedArrayBuffer | null)[]
  readonly #vitals: SharedArrayBuffer
  #growth = 0

  constructor(shape: LedgerShape) {
    this.workers = shape.workers
    this.originMs = shape.originMs
    this.#endpoints = [...shape.endpoints]
    this.#endpointViews = shape.endpoints.map(viewsOf)
    this.#services = [...shape.services]
    this.#admissions = [...shape.admissions]
    this.#listeners = [...shape.listeners]
    this.#clients = [...shape.clients]
    this.#vitals = shape.vitals
  }

  static create(workers: number, originMs: number): Ledger {
    const vitals = createWorkerRows(workers)
    const none = { endpoints: [], services: [], admissions: [], listeners: [], clients: [] }
    return new Ledger({ workers, originMs, ...none, vitals })
  }

  shape(): LedgerShape {
    return {
      workers: this.workers,
      originMs: this.originMs,
      endpoints: [...this.#endpoints],
      services: [...this.#services],
      admissions: [...this.#admissions],
      listeners: [...this.#listeners],
      clients: [...this.#clients],
      vitals: this.#vitals,
    }
  }

  /** Grows with each buffer that is added: who has a shape of the same growth has them all. */
  get growth(): number {
    return this.#growth
  }

  /** Takes over what the control plane added since. */
  attach(shape: LedgerShape): void {
    for (const segment of shape.endpoints.slice(this.#endpoints.length)) this.#addEndpoints(segment)
    this.#services.push(...shape.services.slice(this.#services.length))
    this.#admissions.push(...shape.admissions.slice(this.#admissions.length))
    this.#listeners.push(...shape.listeners.slice(this.#listeners.length))
    for (const [slot, clients] of shape.clients.entries()) this.#clients[slot] ??= clients
  }

  /** Makes room for that many rows; true when segments were added and must be handed to the data threads. */
  reserve(endpointRows: number, serviceRows: number): boolean {
    let grown = false
    while (this.#endpoints.length * rowsPerSegment < endpointRows) {
      this.#addEndpoints(createEndpointSegment(rowsPerSegment, this.workers))
      grown = true
    }
    while (this.#services.length * rowsPerSegment < serviceRows) {
      this.#services.push(createServiceSegment(rowsPerSegment, this.workers))
      this.#admissions.push(createAdmissionSegment(rowsPerSegment, this.workers))
      this.#growth++
      grown = true
    }
    return grown
  }

  /** The same for listeners. */
  reserveListeners(rows: number): void {
    while (this.#listeners.length * listenersPerSegment < rows) {
      this.#listeners.push(createCountSegment(listenersPerSegment, this.workers))
      this.#clients.push(...Array.from({ length: listenersPerSegment }, () => null))
      this.#growth++
    }
  }

  /**
   * Makes a table in which a listener's connections are counted per client. The one that a row has once it keeps, however many
   * connections are allowed later: what is counted in it can't be moved.
   *
   * @param connections that the listener may have
   */
  reserveClients(slot: number, connections: number): void {
    const rows = Math.min(Math.max(connections * rowsPerConnection, minClientRows), maxClientRows)
    if (this.#clients[slot] != null) return
    this.#clients[slot] = KeyedCounts.create(this.workers, rows, crypto.getRandomValues(new Int32Array(2)))
    this.#growth++
  }

  /** @param worker Column of the calling data thread; -1 for the control plane, which only reads and decides. */
  endpoint(slot: number, worker: number): EndpointCell {
    const views = this.#endpointViews[Math.floor(slot / rowsPerSegment)]
    if (views === undefined) throw new RangeError(`no ledger segment holds endpoint row ${slot}`)
    return new EndpointCell(views, slot % rowsPerSegment, this.workers, worker)
  }

  /** @param worker as in `endpoint` */
  service(slot: number, worker = -1): ServiceCell {
    const segment = this.#services[Math.floor(slot / rowsPerSegment)]
    if (segment === undefined) throw new RangeError(`no ledger segment holds service row ${slot}`)
    return new ServiceCell(segment, slot % rowsPerSegment, this.workers, worker)
  }

  /** What of a service is in flight and waits, where that is limited. */
  admission(slot: number, worker: number): AdmissionCell {
    const segment = this.#admissions[Math.floor(slot / rowsPerSegment)]
    if (segment === undefined) throw new RangeError(`no ledger segment holds service row ${slot}`)
    return new AdmissionCell(segment, slot % rowsPerSegment, this.workers, worker)
  }

  listener(slot: number, worker: number): LimitedCount {
    const segment = this.#listeners[Math.floor(slot / listenersPerSegment)]
    if (segment === undefined) throw new RangeError(`no ledger segment holds listener row ${slot}`)
    return new LimitedCount(segment, slot % listenersPerSegment, this.workers, worker)
  }

  /** The connections of a listener's clients, by address; null where they have never been limited. */
  clients(slot: number, worker: number): KeyedCounts | null {
    const shared = this.#clients[slot] ?? null
    return shared === null ? null : new KeyedCounts(shared, this.workers, worker)
  }

  worker(column: number): WorkerCell {
    return new WorkerCell(this.#vitals, column)
  }

  /** What one data thread has in flight and open now. */
  sharesOf(worker: number): { readonly inflight: number; readonly connections: number } {
    let [inflight, connections] = [0, 0]
    for (const cell of this.#listenerCells()) connections += cell.countOf(worker)
    for (const views of this.#endpointViews) inflight += inflightOf(views, this.workers, worker)
    return { inflight, connections }
  }

  /**
   * Gives back what a dead worker still held; its column may then be used by its replacement. Called once the thread is gone.
   * `settle` is to follow until it returns true.
   */
  takeBack(worker: number): void {
    for (const views of this.#endpointViews) takeBackInflight(views, this.workers, worker)
    for (const slot of this.#clients.keys()) this.clients(slot, -1)?.takeBack(worker)
    for (const cell of this.#counts()) cell.takeBack(worker)
    for (const segment of this.#admissions) takeBackQueue(segment, this.workers, worker)
    this.worker(worker).clear()
  }

  /** Mends totals that a dead worker left one off; false when that has to be tried again later. */
  settle(): boolean {
    let isSettled = true
    for (const cell of this.#counts()) isSettled = cell.settle() && isSettled
    return isSettled
  }

  /** Monotonic milliseconds as the time columns write them. */
  toDeciseconds(monotonicMs: number): number {
    return Math.ceil((monotonicMs - this.originMs) / 100)
  }

  fromDeciseconds(deciseconds: number): number {
    return deciseconds * 100 + this.originMs
  }

  #addEndpoints(segment: EndpointSegment): void {
    this.#endpoints.push(segment)
    this.#endpointViews.push(viewsOf(segment))
    this.#growth++
  }

  *#counts(): Iterable<LimitedCount> {
    yield* this.#listenerCells()
    for (let slot = 0; slot < this.#admissions.length * rowsPerSegment; slot++) {
      const { inflight, waiting } = this.admission(slot, -1)
      yield inflight
      yield waiting
    }
  }

  *#listenerCells(): Iterable<LimitedCount> {
    for (let slot = 0; slot < this.#listeners.length * listenersPerSegment; slot++) yield this.listener(slot, -1)
  }
}
