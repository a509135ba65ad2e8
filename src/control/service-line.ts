import type { EjectionReason } from '../core/decision.ts'
import type { Instance } from '../core/instance.ts'
import type { Ledger, ServiceCell } from '../core/ledger.ts'
import type { EjectionReport } from '../core/message.ts'
import type { ServiceSettings } from '../core/snapshot.ts'
import type { Answer } from '../discovery/contract.ts'
import type { Random } from '../util/random.ts'
import type { ServiceEntry } from './control-config.ts'
import type { ControlClock } from './control-clock.ts'
import { EjectionCounts } from './ejection-counts.ts'
import { heldAfter } from './hold-rule.ts'
import type { Holds } from './hold.ts'
import { addressOf, byIdentity } from './identity.ts'
import { dropIdle, reconcile, type EndpointRecord, type Records } from './membership.ts'
import { messageOf, type OnProblem } from './problem.ts'
import type { Publisher } from './publish.ts'
import type { EjectedEndpoint, Restorer } from './restore.ts'
import type { SlotAllocator } from './slots.ts'
import type { SourceOutages } from './source-outages.ts'
import type { SavedService } from './state-format.ts'
import type { StateStore } from './state-store.ts'
import type { Timeline } from './timeline.ts'
import { transitionsOf, type Causes } from './transition.ts'
import { ServiceWatch, type WatchedAnswer } from './watch.ts'

/** What all lines of one control plane share. */
export interface LineParts {
  readonly clock: ControlClock
  readonly random: Random
  readonly ledger: Ledger
  readonly slots: SlotAllocator
  readonly publisher: Publisher
  readonly holds: Holds
  readonly restorer: Restorer
  readonly timeline: Timeline
  readonly outages: SourceOutages
  readonly state: StateStore | null
  readonly onProblem: OnProblem
  /** The other lines of the control plane, and the line itself. */
  readonly lines: () => Iterable<ServiceLine>
}

/**
 * One service's way from its registry to the data threads: answers are reconciled with the endpoints there are, held
 * against forgetting, stated in the timeline, published and saved.
 */
export class ServiceLine {
  readonly cell: ServiceCell
  readonly ejections = new EjectionCounts()
  readonly updates = { changed: 0, same: 0, error: 0 }
  readonly #slot: number
  readonly #parts: LineParts
  #entry: ServiceEntry
  #watch: ServiceWatch | null = null
  #hasList = false
  #position: number | null = null
  #records: Records = new Map()
  #listed: ReadonlyMap<string, Instance> = new Map()
  #held: ReadonlySet<string> = new Set()
  /** `host:port` of what the registry's last answer lists. */
  #addresses: ReadonlySet<string> = new Set()
  /** The configuration version that no longer names this service. */
  #goneAt = Infinity

  constructor(entry: ServiceEntry, slot: number, parts: LineParts) {
    this.#entry = entry
    this.#slot = slot
    this.#parts = parts
    this.cell = parts.ledger.service(slot)
  }

  get name(): string {
    return this.#entry.key
  }

  get entry(): ServiceEntry {
    return this.#entry
  }

  get slot(): number {
    return this.#slot
  }

  get records(): Records {
    return this.#records
  }

  /** True once the registry or the state file has said which endpoints there are. */
  get hasList(): boolean {
    return this.#hasList
  }

  /** True while what is served is not what the registry says now. */
  get isStale(): boolean {
    return this.#watch === null || !this.#watch.connected
  }

  ageMs(): number {
    return this.#watch?.ageMs() ?? 0
  }

  settings(): ServiceSettings {
    const { key, balancer, outlier, connectTimeoutMs, headTimeoutMs, idleTimeoutMs } = this.#entry
    return { name: key, slot: this.#slot, balancer, outlier, connectTimeoutMs, headTimeoutMs, idleTimeoutMs }
  }

  /** Takes new settings; its endpoints stay. */
  configure(entry: ServiceEntry): void {
    this.#entry = entry
  }

  /** Serves what an earlier process saw last. @returns what the first answer is to be compared with */
  recall(): { readonly position: number | null; readonly ageMs: number } | null {
    const { state, clock } = this.#parts
    const saved = state?.load(this.name) ?? null
    if (saved === null || saved.source !== this.#entry.from || saved.registryName !== this.#entry.name) return null
    const { listed } = byIdentity(saved.source, saved.instances)
    this.#listed = listed
    this.#position = saved.position
    this.#settle(new Set(saved.held.filter((id) => listed.has(id))), {
      added: 'the state file lists it; the registry has not answered yet',
      held: 'it was held when the state file was written',
    })
    return { position: saved.position, ageMs: Math.max(0, clock.wallMs() - saved.savedAtMs) }
  }

  /** Follows that watch from now on, instead of the one before, and keeps the endpoints until its first answer. */
  follow(open: (signal: AbortSignal) => AsyncIterable<Answer>, remembered: ReturnType<ServiceLine['recall']>): void {
    const { clock, random } = this.#parts
    const { from } = this.#entry
    const afterOutage = this.#watch?.lost ?? false
    void this.#watch?.stop()
    this.#watch = new ServiceWatch({
      open,
      clock,
      random,
      remembered,
      afterOutage,
      listener: {
        answered: (answer, changed) => this.#answered(answer, changed),
        unchanged: () => void this.updates.same++,
        failed: (error, first) => this.#failed(from, error, first),
      },
    })
    this.#watch.start()
  }

  /** A hold is over. */
  released(id: string, cause: string): void {
    const held = new Set(this.#held)
    held.delete(id)
    this.#settle(held, { released: cause })
  }

  /** A data thread ejected one of the endpoints. */
  ejected(report: EjectionReport): void {
    const record = this.#records.get(report.endpoint)
    if (record?.published.slot !== report.slot) return
    this.#noteEjection(record, report.reason, report.cause)
    this.#parts.restorer.take(this.#asEjected(record))
  }

  /** The same, found in the Ledger without a report. */
  foundEjected({ record }: EjectedEndpoint): void {
    this.#noteEjection(record, record.cell.ejection() ?? 'consecutive', 'found so in the ledger, without a report')
  }

  *ejectedNow(): Iterable<EjectedEndpoint> {
    for (const record of this.#records.values()) if (record.cell.ejection() !== null) yield this.#asEjected(record)
  }

  /** Lets go of endpoints that only waited for their last exchange. */
  dropIdle(): void {
    const dropped = this.#takeOutIdle()
    if (dropped.length > 0) this.#publish(dropped)
  }

  /** True when the registry's last answer for this line, or one that follows the same registry service, lists that address. */
  lists(address: string): boolean {
    return this.#addresses.has(address)
  }

  followsSameAs(other: ServiceLine): boolean {
    return other.entry.from === this.#entry.from && other.entry.name === this.#entry.name
  }

  /** The configuration of that version no longer names the service. Its rows wait until every thread applied it. */
  async close(configVersion: number): Promise<void> {
    const { holds, outages } = this.#parts
    this.#goneAt = configVersion
    outages.forget(this.#entry.from, this.name)
    for (const id of this.#held) holds.end(this.name, id)
    for (const record of this.#records.values()) this.#forget(record, 'the configuration no longer names its service')
    this.#retire([...this.#records.values()], configVersion)
    this.#records = new Map()
    await this.stop()
  }

  /** Ends the watch; the endpoints stay as they are. */
  async stop(): Promise<void> {
    await this.#watch?.stop()
  }

  #answered(answer: WatchedAnswer, changed: boolean): void {
    const { outages, holds, lines, onProblem } = this.#parts
    const { from, holdMs } = this.#entry
    this.updates[changed ? 'changed' : 'same']++
    outages.answered(from, this.name)
    const { listed, duplicates } = byIdentity(from, answer.instances)
    for (const id of duplicates) onProblem({ place: id, message: 'listed twice; the last entry counts' })
    const { afterOutage, wentBackwards } = answer
    const held = heldAfter({
      records: this.#records,
      listed,
      held: this.#held,
      afterOutage,
      wentBackwards,
      holdMs,
      isListedElsewhere: (address) => [...lines()].some((other) => !other.followsSameAs(this) && other.lists(address)),
    })
    this.#listed = listed
    this.#position = answer.position
    this.#addresses = new Set(answer.instances.map(addressOf))
    this.#settle(held, {
      held: `${wentBackwards ? 'the registry lost its memory' : 'the registry answered after an outage'} and does not let it serve; kept while it accepts connections`,
    })
    holds.claim((service) => this.#ownsWith(service), this.#addresses)
  }

  #ownsWith(service: string): boolean {
    return [...this.#parts.lines()].some((line) => line.name === service && line.followsSameAs(this))
  }

  #failed(source: string, error: unknown, first: boolean): void {
    const { outages, onProblem } = this.#parts
    this.updates.error++
    outages.failed(source, this.name, messageOf(error))
    if (first) onProblem({ place: `${source}/${this.#entry.name}`, message: messageOf(error) })
  }

  /** Brings the endpoints in line with what is listed and held now. */
  #settle(held: ReadonlySet<string>, causes: Causes): void {
    const { slots, ledger, holds, timeline } = this.#parts
    const before = this.#held
    this.#held = held
    const { records, changes } = reconcile(this.#records, this.#listed, held, () => {
      const slot = slots.allot()
      return { slot, cell: ledger.endpoint(slot, -1) }
    })
    this.#records = records
    for (const change of changes) {
      const endpoint = change.after.published.id
      for (const transition of transitionsOf(change, causes)) {
        timeline.record({ ...transition, service: this.name, endpoint })
      }
    }
    const dropped = this.#takeOutIdle()
    // The first list is published even when it is empty: that there are none is news too.
    if (changes.length > 0 || dropped.length > 0 || !this.#hasList) this.#publish(dropped)
    this.#hasList = true
    for (const id of before) if (!held.has(id)) holds.end(this.name, id)
    this.#save()
    for (const id of held) if (!before.has(id)) this.#hold(id)
  }

  #hold(id: string): void {
    const record = this.#records.get(id)
    if (record === undefined) return
    const { host, port } = record.published
    const { holdMs, connectTimeoutMs } = this.#entry
    this.#parts.holds.begin({ service: this.name, id, host, port, holdMs, connectTimeoutMs })
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
    this.ejections.forget(published.id)
    timeline.record({ type: 'removed', service: this.name, endpoint: published.id, cause })
  }

  #publish(dropped: readonly EndpointRecord[]): void {
    const endpoints = [...this.#records.values()].map(({ published }) => published)
    this.#retire(dropped, this.#parts.publisher.publish(this.name, endpoints))
  }

  #retire(gone: readonly EndpointRecord[], version: number): void {
    const { slots, publisher } = this.#parts
    const isUnseen = () => publisher.ackedByAll(this.name) >= version || publisher.configAckedByAll() >= this.#goneAt
    for (const { published } of gone) slots.retire(published.slot, isUnseen)
  }

  #noteEjection({ published }: EndpointRecord, reason: EjectionReason, cause: string): void {
    this.ejections.add(published.id, reason)
    this.#parts.timeline.record({ type: 'ejected', service: this.name, endpoint: published.id, cause })
  }

  #asEjected(record: EndpointRecord): EjectedEndpoint {
    const { key, connectTimeoutMs } = this.#entry
    return { service: key, serviceCell: this.cell, record, connectTimeoutMs }
  }

  #save(): void {
    const { state, clock } = this.#parts
    if (state === null) return
    const instances = [...this.#records.values()]
      .filter(({ published }) => published.registry !== 'absent')
      .map(({ instance }) => instance)
    const saved: SavedService = {
      service: this.name,
      source: this.#entry.from,
      registryName: this.#entry.name,
      position: this.#position,
      savedAtMs: clock.wallMs(),
      instances,
      held: [...this.#held],
    }
    state.save(saved)
  }
}
