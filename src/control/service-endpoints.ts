import type { EjectionReason } from '../core/decision.ts'
import type { Instance } from '../core/instance.ts'
import type { Ledger } from '../core/ledger.ts'
import type { ServiceCell } from '../core/service-cell.ts'
import type { EjectionReport } from '../core/message.ts'
import { isServable } from '../health/eligibility.ts'
import type { Random } from '../util/random.ts'
import type { ServiceEntry } from './control-config.ts'
import type { ControlClock } from './control-clock.ts'
import { EjectionCounts } from './ejection-counts.ts'
import { dropIdle, reconcile, type Change, type EndpointRecord, type Records } from './membership.ts'
import type { Publisher } from './publish.ts'
import type { EjectedEndpoint, Restorer } from './restore.ts'
import type { SlotAllocator } from './slots.ts'
import { SlowStarts } from './slow-starts.ts'
import { SuccessRates } from './success-rates.ts'
import type { Timeline } from './timeline.ts'
import { transitionsOf, type Causes } from './transition.ts'

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
}

/** The endpoints of one service: every change of them is stated in the timeline and published. */
export class ServiceEndpoints {
  readonly ejections = new EjectionCounts()
  readonly #service: string
  readonly #cell: ServiceCell
  readonly #parts: EndpointsParts
  readonly #slowStarts: SlowStarts
  readonly #successRates: SuccessRates
  #records: Records = new Map()
  #wasPublished = false
  /** The configuration version that no longer names the service. */
  #goneAt = Infinity

  constructor(service: string, cell: ServiceCell, parts: EndpointsParts, settings: EndpointsSettings) {
    const { clock, random, ledger } = parts
    this.#service = service
    this.#cell = cell
    this.#parts = parts
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

  configure({ outlier, slowStartMs }: EndpointsSettings): void {
    this.#successRates.configure(outlier)
    this.#slowStarts.configure(slowStartMs)
  }

  /** Brings the endpoints in line with what is listed, and what is held in spite of it. */
  settle(listed: ReadonlyMap<string, Instance>, held: ReadonlySet<string>, causes: Causes): void {
    const { slots, ledger, timeline } = this.#parts
    const { records, changes } = reconcile(this.#records, listed, held, () => {
      const slot = slots.allot()
      return { slot, cell: ledger.endpoint(slot, -1) }
    })
    // With nobody to compare them with, all are new alike.
    const isFirst = this.#records.size === 0
    this.#records = records
    for (const change of changes) {
      if (!isFirst && beginsToServe(change)) this.#slowStarts.begin(change.after)
      const endpoint = change.after.published.id
      for (const transition of transitionsOf(change, causes)) {
        timeline.record({ ...transition, service: this.#service, endpoint })
      }
    }
    const dropped = this.#takeOutIdle()
    // The first list is published even when it is empty: that there are none is news too.
    if (changes.length > 0 || dropped.length > 0 || !this.#wasPublished) this.#publish(dropped)
  }

  /** Lets go of endpoints that only waited for their last exchange. */
  dropIdle(): void {
    const dropped = this.#takeOutIdle()
    if (dropped.length > 0) this.#publish(dropped)
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
    this.stop()
    const gone = [...this.#records.values()]
    for (const record of gone) this.#forget(record, 'the configuration no longer names its service')
    this.#retire(gone, Infinity)
    this.#records = new Map()
  }

  /** Ends its timers; the endpoints stay as they are. */
  stop(): void {
    this.#slowStarts.close()
    this.#successRates.close()
  }

  #takeOutIdle(): readonly EndpointRecord[] {
    const { records, dropped } = dropIdle(this.#records)
    this.#records = records
    for (const record of dropped) this.#forget(record, 'the registry no longer lists it')
    return dropped
  }

  #forget({ published }: EndpointRecord, cause: string): void {
    const { restorer, timeline } = this.#parts
    restorer.forget(published.slot)
    this.#slowStarts.forget(published.slot)
    this.ejections.forget(published.id)
    timeline.record({ type: 'removed', service: this.#service, endpoint: published.id, cause })
  }

  #publish(dropped: readonly EndpointRecord[]): void {
    const endpoints = [...this.#records.values()].map(({ published }) => published)
    this.#wasPublished = true
    this.#retire(dropped, this.#parts.publisher.publish(this.#service, endpoints))
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
    this.#parts.timeline.record({ type: 'ejected', service: this.#service, endpoint: published.id, cause })
  }

  #asEjected(record: EndpointRecord, connectTimeoutMs: number): EjectedEndpoint {
    return { service: this.#service, serviceCell: this.#cell, record, connectTimeoutMs }
  }
}

/** It may serve now, and could not before: it is new, or it is let serve again. */
function beginsToServe({ before, after }: Change): boolean {
  return mayServe(after) && (before === null || !mayServe(before))
}

function mayServe({ published }: EndpointRecord): boolean {
  return isServable(published) && !published.unhealthy
}
