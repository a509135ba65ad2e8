import type { DecisionType, EjectionReason } from '../core/decision.ts'
import type { EndpointCell } from '../core/endpoint-cell.ts'
import type { Ledger } from '../core/ledger.ts'
import type { ServiceCell } from '../core/service-cell.ts'
import type { EjectionReport } from '../core/message.ts'
import { isServable } from '../health/eligibility.ts'
import type { Random } from '../util/random.ts'
import type { ServiceEntry } from './control-config.ts'
import type { ControlClock } from './control-clock.ts'
import { EjectionCounts } from './ejection-counts.ts'
import type { CheckTurn, HealthChecks } from './health-checks.ts'
import type { Listing } from './listing.ts'
import {
  dropIdle,
  reconcile,
  restand,
  type Change,
  type EndpointRecord,
  type Records,
  type Standing,
} from './membership.ts'
import { untilOf, type Orders } from './orders.ts'
import { Pace } from './pace.ts'
import type { Publisher } from './publish.ts'
import type { EjectedEndpoint, Restorer } from './restore.ts'
import type { SlotAllocator } from './slots.ts'
import { SlowStarts } from './slow-starts.ts'
import { SuccessRates } from './success-rates.ts'
import type { Timeline } from './timeline.ts'
import { transitionsOf, type Causes } from './transition.ts'

/** However often a registry changes its mind, and when a thousand verdicts are turned over: each list makes every thread build its pickers anew. */
const minBetweenListsMs = 100

/** What the endpoints of a service need of its configuration. */
export type EndpointsSettings = Pick<ServiceEntry, 'outlier' | 'slowStartMs' | 'connectTimeoutMs'>

export interface EndpointsParts {
  readonly clock: ControlClock
  readonly random: Random
  readonly ledger: Ledger
  readonly slots: SlotAllocator
  readonly publisher: Publisher
  readonly restorer: Restorer
  readonly timeline: Timeline
  readonly orders: Orders
  readonly checks: Pick<HealthChecks, 'isUnhealthy'>
}

/**
 * The endpoints of one service: every change of them is stated in the timeline and published, at once after a quiet time, else
 * with all others that come within 100 ms. What an operator orders is published at once.
 */
export class ServiceEndpoints {
  readonly ejections = new EjectionCounts()
  readonly #service: string
  readonly #cell: ServiceCell
  readonly #parts: EndpointsParts
  readonly #listPace: Pace
  /** What the next list puts in force: verdicts that turned, and whether anything that is published changed. */
  #turns: CheckTurn[] = []
  #isDue = false
  /** Rows of endpoints that the next list is the first without. */
  #dropped: EndpointRecord[] = []
  readonly #slowStarts: SlowStarts
  readonly #successRates: SuccessRates
  #records: Records = new Map()
  #listsSent = 0
  #isRestless = true
  #epochSeen = -1
  /** The configuration version that no longer names the service. */
  #goneAt = Infinity

  constructor(service: string, cell: ServiceCell, parts: EndpointsParts, settings: EndpointsSettings) {
    const { clock, random, ledger } = parts
    this.#service = service
    this.#cell = cell
    this.#parts = parts
    this.#listPace = new Pace(parts.clock, minBetweenListsMs, () => this.#sendList())
    this.#slowStarts = new SlowStarts(clock, cell, settings.slowStartMs)
    this.#successRates = new SuccessRates({
      service,
      cell,
      ledger,
      clock,
      random,
      records: () => this.#records,
      eject: (report) => this.ejected(report, settings.connectTimeoutMs),
      policy: settings.outlier,
    })
  }

  get records(): Records {
    return this.#records
  }

  /** How many were sent to the data threads. */
  get lists(): number {
    return this.#listsSent
  }

  configure({ outlier, slowStartMs }: EndpointsSettings): void {
    this.#successRates.configure(outlier)
    this.#slowStarts.configure(slowStartMs)
  }

  /** Brings the endpoints in line with what is listed, and what is held in spite of it. */
  settle(listing: Listing, causes: Causes): void {
    const { slots, ledger, timeline } = this.#parts
    const { records, changes } = reconcile(this.#records, listing, {
      allot: () => {
        const slot = slots.allot()
        return { slot, cell: ledger.endpoint(slot, -1) }
      },
      standingOf: (id) => this.#standingOf(id),
    })
    // With nobody to compare them with, all are new alike.
    const isFirst = this.#records.size === 0
    this.#records = records
    this.#isRestless = true
    if (!isFirst) this.#beginSlowStarts(changes)
    for (const change of changes) {
      const endpoint = change.after.published.id
      for (const transition of transitionsOf(change, causes)) {
        timeline.record({ ...transition, service: this.#service, endpoint })
      }
      if (change.before === null) this.#obeyStandingOrders(change.after)
    }
    const dropped = this.#takeOutIdle()
    // The first list is published even when it is empty: that there are none is news too.
    if (changes.length > 0 || dropped.length > 0 || this.#listsSent === 0) this.#publish(dropped)
  }

  /** Takes over what our checks and the operator say of the endpoints now. */
  restand(): void {
    if (this.#standAnew()) this.#publish([])
  }

  /** The same without waiting for others: an order is on its way to the data threads when it is confirmed. */
  restandNow(): void {
    this.restand()
    this.sendNow()
  }

  /** What is not published yet waits no longer. */
  sendNow(): void {
    this.#listPace.hurry()
  }

  /** The verdict of our checks on one of them was turned over; it is in force, and stated, within 100 ms. */
  turned(turn: CheckTurn): void {
    this.#turns.push(turn)
    this.#listPace.ask()
  }

  /** The operator ordered so: no new requests. */
  drain(id: string, cause: string): void {
    this.restandNow()
    this.#note('draining', id, cause)
  }

  /** The order is gone. @returns false when nothing changed by that */
  undrain(id: string, cause: string): boolean {
    const before = this.#records.get(id)?.published
    this.restandNow()
    const after = this.#records.get(id)?.published
    if (before === after) return false
    this.#note('restored', id, cause)
    return true
  }

  /** The operator ordered so; an ejection that the traffic made becomes his. */
  ejectByCommand(id: string, cause: string): void {
    const record = this.#records.get(id)
    if (record === undefined) return
    if (ejectManually(record.cell)) this.ejections.add(id, 'manual')
    this.#cell.bumpEpoch()
    this.#note('ejected', id, cause)
    this.#parts.restorer.take(this.#asEjected(record, 0))
  }

  /** Whatever ejected it. @returns false when it was not ejected */
  restoreByCommand(id: string, cause: string): boolean {
    const record = this.#records.get(id)
    return record !== undefined && this.#parts.restorer.restoreNow(this.#asEjected(record, 0), cause)
  }

  /**
   * True when there may be something to look at: the list is new, a data thread moved the epoch as it does with an ejection, or
   * not all endpoints were serving at the last look. Where it is false, the second of a service costs one read.
   *
   * @param isDue true to look without a reason: a thread may have died between an ejection and the epoch
   */
  needLook(isDue: boolean): boolean {
    const epoch = this.#cell.epoch()
    if (!isDue && !this.#isRestless && epoch === this.#epochSeen) return false
    this.#epochSeen = epoch
    this.#isRestless = [...this.#records.values()].some(
      (record) => !mayServe(record) || record.cell.ejection() !== null,
    )
    return true
  }

  /** Lets go of endpoints that only waited for their last exchange; no change that comes now waits because of it. */
  dropIdle(): void {
    const dropped = this.#takeOutIdle()
    if (dropped.length === 0) return
    this.#isDue = true
    this.#dropped.push(...dropped)
    this.#listPace.askAside()
  }

  /** A data thread ejected one of them. */
  ejected(report: EjectionReport, connectTimeoutMs: number): void {
    const record = this.#records.get(report.endpoint)
    if (record?.published.slot !== report.slot) return
    this.#noteEjection(record, report.reason, report.cause)
    this.#parts.restorer.take(this.#asEjected(record, connectTimeoutMs))
  }

  /** The same, found in the Ledger without a report. */
  foundEjected({ record }: EjectedEndpoint): void {
    const reason = record.cell.ejection()
    if (reason !== null) this.#noteEjection(record, reason, 'found so in the ledger, without a report')
  }

  /** One that was ejected serves again. */
  restored(record: EndpointRecord): void {
    this.#slowStarts.begin(record)
  }

  *ejectedNow(connectTimeoutMs: number): Iterable<EjectedEndpoint> {
    for (const record of this.#records.values()) {
      if (record.cell.ejection() !== null) yield this.#asEjected(record, connectTimeoutMs)
    }
  }

  /** The configuration of that version no longer names the service: the rows wait until every thread applied it. */
  close(configVersion: number): void {
    this.#goneAt = configVersion
    // Its list is gone from the Publisher, and must not come back.
    this.#listPace.close()
    this.stop()
    const gone = [...this.#records.values()]
    for (const record of gone) this.#forget(record, 'the configuration no longer names its service')
    this.#retire([...gone, ...this.#dropped], Infinity)
    this.#records = new Map()
  }

  /** Nothing is published by itself any more, but what still waits for its turn; the endpoints stay as they are. */
  stop(): void {
    this.#listPace.finish()
    this.#slowStarts.close()
    this.#successRates.close()
  }

  #beginSlowStarts(changes: readonly Change[]): void {
    for (const change of changes) if (beginsToServe(change)) this.#slowStarts.begin(change.after)
  }

  /** @returns false when none stands differently */
  #standAnew(): boolean {
    const stood = restand(this.#records, (id) => this.#standingOf(id))
    if (stood === null) return false
    this.#records = stood.records
    this.#isRestless = true
    this.#beginSlowStarts(stood.changes)
    return true
  }

  #takeTurns(): void {
    const turns = this.#turns
    this.#turns = []
    if (turns.length > 0 && this.#standAnew()) this.#isDue = true
    for (const { id, isUnhealthy, cause } of turns) {
      const record = this.#records.get(id)
      // Where the registry does not let it serve nothing changes.
      if (record === undefined || !isServable(record.published)) continue
      const { registry } = record.published
      if (isUnhealthy) this.#note('unhealthy', id, `${cause}; the registry says ${registry}`)
      else this.#note('restored', id, cause)
    }
  }

  #standingOf(id: string): Standing {
    const { orders, checks } = this.#parts
    return { drained: orders.get(id, 'drain') !== null, unhealthy: checks.isUnhealthy(this.#service, id) }
  }

  /** Before it is published, so that no request comes first. */
  #obeyStandingOrders({ published: { id } }: EndpointRecord): void {
    const { orders } = this.#parts
    const drain = orders.get(id, 'drain')
    if (drain !== null) this.#note('draining', id, `manual, ${untilOf(drain)}`)
    const eject = orders.get(id, 'eject')
    if (eject !== null) this.ejectByCommand(id, `manual, ${untilOf(eject)}`)
  }

  #takeOutIdle(): readonly EndpointRecord[] {
    const { records, dropped } = dropIdle(this.#records)
    this.#records = records
    for (const record of dropped) this.#forget(record, 'the registry no longer lists it')
    return dropped
  }

  #forget({ published }: EndpointRecord, cause: string): void {
    this.#parts.restorer.forget(published.slot)
    this.#slowStarts.forget(published.slot)
    this.ejections.forget(published.id)
    this.#note('removed', published.id, cause)
  }

  #publish(dropped: readonly EndpointRecord[]): void {
    this.#isDue = true
    this.#dropped.push(...dropped)
    this.#listPace.ask()
  }

  #sendList(): void {
    this.#takeTurns()
    if (!this.#isDue) return
    this.#isDue = false
    this.#listsSent++
    const endpoints = [...this.#records.values()].map(({ published }) => published)
    this.#retire(this.#dropped, this.#parts.publisher.publish(this.#service, endpoints))
    this.#dropped = []
  }

  /** @param version of the service's first list without them */
  #retire(gone: readonly EndpointRecord[], version: number): void {
    const { slots, publisher } = this.#parts
    const isUnseen = () =>
      publisher.ackedByAll(this.#service) >= version || publisher.configAckedByAll() >= this.#goneAt
    for (const { published } of gone) slots.retire(published.slot, isUnseen)
  }

  #noteEjection({ published }: EndpointRecord, reason: EjectionReason, cause: string): void {
    this.ejections.add(published.id, reason)
    this.#note('ejected', published.id, cause)
  }

  #note(type: DecisionType, endpoint: string, cause: string): void {
    this.#parts.timeline.record({ type, service: this.#service, endpoint, cause })
  }

  #asEjected(record: EndpointRecord, connectTimeoutMs: number): EjectedEndpoint {
    return { service: this.#service, serviceCell: this.#cell, record, connectTimeoutMs }
  }
}

/** True when it was not ejected by command before. */
function ejectManually(cell: EndpointCell): boolean {
  for (;;) {
    const before = cell.ejection()
    if (before === 'manual') return false
    // A data thread, or the Restorer, may have changed it in between.
    if (before === null ? cell.eject('manual') : cell.replaceEjection(before, 'manual')) return true
  }
}

/** It may serve now, and could not before: it is new, or it is let serve again. */
function beginsToServe({ before, after }: Change): boolean {
  return mayServe(after) && (before === null || !mayServe(before))
}

function mayServe({ published }: EndpointRecord): boolean {
  return isServable(published) && !published.unhealthy
}
