import type { Instance } from '../core/instance.ts'
import type { ServiceSettings } from '../core/snapshot.ts'
import type { Answer } from '../discovery/contract.ts'
import { eligible } from '../health/eligibility.ts'
import type { ServiceEntry } from './control-config.ts'
import type { Disagreements } from './disagreements.ts'
import { targetOf, type HealthChecks } from './health-checks.ts'
import { heldAfter } from './hold-rule.ts'
import type { Holds } from './hold.ts'
import { addressOf, byIdentity } from './identity.ts'
import { messageOf, type OnProblem } from './problem.ts'
import { isSameQuery, queryOf } from './query.ts'
import { ServiceEndpoints, type EndpointsParts } from './service-endpoints.ts'
import type { SourceOutages } from './source-outages.ts'
import type { StateStore } from './state-store.ts'
import type { Causes } from './transition.ts'
import { ServiceWatch, type WatchedAnswer } from './watch.ts'

/** What all lines of one control plane share. */
export interface LineParts extends EndpointsParts {
  readonly holds: Holds
  readonly checks: HealthChecks
  readonly disagreements: Disagreements
  readonly outages: SourceOutages
  readonly state: StateStore | null
  readonly onProblem: OnProblem
  /** The endpoints of a service, or what is said of them, are others. */
  readonly onSettled: (service: string) => void
  /** All lines of the control plane, with the one that asks. */
  readonly lines: () => Iterable<ServiceLine>
}

/** What an earlier process knew; the first answer is compared with it. */
export type Remembered = { readonly position: number | null; readonly ageMs: number } | null

/**
 * One service's way from its registry to its endpoints: answers are doubted where the registry may have forgotten, and the
 * list that results is put in force and saved.
 */
export class ServiceLine {
  /** Row in the Ledger. */
  readonly slot: number
  readonly endpoints: ServiceEndpoints
  readonly updates = { changed: 0, same: 0, error: 0 }
  /** Entries of the registry that could not be used, since the start. */
  skippedEntries = 0
  readonly #parts: LineParts
  #entry: ServiceEntry
  #watch: ServiceWatch | null = null
  #hasList = false
  readonly #heard = Promise.withResolvers<void>()
  #position: number | null = null
  #listed: ReadonlyMap<string, Instance> = new Map()
  #held: ReadonlySet<string> = new Set()
  /** `host:port` of all that the registry's last answer lists. */
  #addresses: ReadonlySet<string> = new Set()

  constructor(entry: ServiceEntry, slot: number, parts: LineParts) {
    this.slot = slot
    this.endpoints = new ServiceEndpoints(entry.key, parts.ledger.service(slot), parts, entry)
    this.#parts = parts
    this.#entry = entry
  }

  get name(): string {
    return this.#entry.key
  }

  get entry(): ServiceEntry {
    return this.#entry
  }

  /** See `eligible`. */
  get spillBelowPercent(): number {
    return this.#entry.zone?.spillBelowPercent ?? 0
  }

  /** True once the registry or the state file has said which endpoints there are. */
  get hasList(): boolean {
    return this.#hasList
  }

  /** True when there is an endpoint that may be picked. */
  get canServe(): boolean {
    return eligible([...this.endpoints.records.values()], 0).eligible.length > 0
  }

  /** Resolves when the registry, or the state file, has spoken for the first time, or the registry could not be asked. */
  get heard(): Promise<void> {
    return this.#heard.promise
  }

  /** True while what is served is not what the registry says now. */
  get isStale(): boolean {
    return this.#watch === null || !this.#watch.connected
  }

  /** See ServiceWatch. */
  ageMs(): number {
    return this.#watch?.ageMs() ?? 0
  }

  settings(): ServiceSettings {
    const { key, balancer, hash, outlier, connectTimeoutMs, headTimeoutMs, idleTimeoutMs, retryBudget, limits, tls } =
      this.#entry
    const times = { connectTimeoutMs, headTimeoutMs, idleTimeoutMs }
    return {
      name: key,
      slot: this.slot,
      balancer,
      hash,
      outlier,
      ...times,
      retryBudget,
      limits,
      tls,
      spillBelowPercent: this.spillBelowPercent,
    }
  }

  /** Takes new settings; the endpoints stay. Where it is asked for elsewhere now, `follow` comes next. */
  configure(entry: ServiceEntry): void {
    const before = this.#entry
    this.#entry = entry
    this.endpoints.configure(entry)
    this.#followChecks()
    if (isSameQuery(before, entry)) return
    // The outage of who was asked is no doubt about who will be, and nobody is left to see its end.
    this.#parts.outages.forget(before.from, this.name)
    void this.#watch?.stop()
    this.#watch = null
  }

  /** Serves what an earlier process saw last; null when that is not known. */
  recall(): Remembered {
    const { state, clock } = this.#parts
    const saved = state?.load(this.name) ?? null
    if (saved === null || saved.source !== this.#entry.from || saved.registryName !== queryOf(this.#entry)) return null
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
  follow(open: (signal: AbortSignal) => AsyncIterable<Answer>, remembered: Remembered): void {
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

  /** The registry has an entry that can't be used. */
  skipped(entry: string, reason: string): void {
    this.skippedEntries++
    const cause = `${this.#entry.from} has ${entry}, which is left out: ${reason}`
    this.#parts.timeline.record({ type: 'skipped', service: this.name, endpoint: null, cause })
  }

  /** True when both ask the same source for the same name. */
  followsSameAs(other: ServiceLine): boolean {
    return other.entry.from === this.#entry.from && other.entry.name === this.#entry.name
  }

  /** The configuration of that version no longer names the service. */
  async close(configVersion: number): Promise<void> {
    const { holds, outages, checks, disagreements } = this.#parts
    outages.forget(this.#entry.from, this.name)
    for (const id of this.#held) holds.end(this.name, id)
    checks.end(this.name)
    disagreements.forget(this.name)
    this.endpoints.close(configVersion)
    await this.stop()
  }

  /** Ends the watch; the endpoints stay as they are. */
  async stop(): Promise<void> {
    this.endpoints.stop()
    await this.#watch?.stop()
  }

  #answered(answer: WatchedAnswer, changed: boolean): void {
    const { outages, holds, onProblem } = this.#parts
    const { from, holdMs, healthCheck } = this.#entry
    const { instances, position, afterOutage, wentBackwards } = answer
    this.updates[changed ? 'changed' : 'same']++
    outages.answered(from, this.name)
    const { listed, duplicates } = byIdentity(from, instances)
    for (const id of duplicates) onProblem({ place: id, message: 'listed twice; the last entry counts' })
    const held = heldAfter({
      records: this.endpoints.records,
      listed,
      held: this.#held,
      afterOutage,
      wentBackwards,
      holdMs,
      isListedElsewhere: (address) => this.#isListedElsewhere(address),
    })
    this.#listed = listed
    this.#position = position
    this.#addresses = new Set(instances.map(addressOf))
    const proof = healthCheck === null ? 'it accepts connections' : 'its health check passes'
    const doubt = wentBackwards ? 'the registry lost its memory' : 'the registry answered after an outage'
    this.#settle(held, { held: `${doubt} and does not let it serve; kept while ${proof}` })
    holds.claim((service) => this.#isNameOfSame(service), this.#addresses)
  }

  #failed(source: string, error: unknown, first: boolean): void {
    const { outages, onProblem } = this.#parts
    this.updates.error++
    outages.failed(source, this.name, messageOf(error))
    this.#heard.resolve()
    if (first) onProblem({ place: `${source}/${this.#entry.name}`, message: messageOf(error) })
  }

  #isListedElsewhere(address: string): boolean {
    for (const other of this.#parts.lines()) {
      if (other.#addresses.has(address) && !other.followsSameAs(this)) return true
    }
    return false
  }

  #isNameOfSame(service: string): boolean {
    for (const other of this.#parts.lines()) if (other.name === service) return other.followsSameAs(this)
    return false
  }

  /** Puts what is listed and held now in force, and remembers it. */
  #settle(held: ReadonlySet<string>, causes: Causes): void {
    const { holds } = this.#parts
    const before = this.#held
    this.#held = held
    this.#hasList = true
    this.endpoints.settle(this.#listed, held, causes)
    this.#followChecks()
    this.#heard.resolve()
    this.#save()
    for (const id of before) if (!held.has(id)) holds.end(this.name, id)
    for (const id of held) if (!before.has(id)) this.#hold(id)
    this.#parts.onSettled(this.name)
  }

  #followChecks(): void {
    this.#parts.checks.follow(this.name, this.#entry, this.endpoints.records)
    // Verdicts on what is no longer checked are gone.
    this.endpoints.restand()
  }

  #hold(id: string): void {
    const record = this.endpoints.records.get(id)
    if (record === undefined) return
    const { host, port } = record.published
    const { holdMs, connectTimeoutMs } = this.#entry
    this.#parts.holds.begin({
      service: this.name,
      id,
      host,
      port,
      holdMs,
      connectTimeoutMs,
      checkTarget: () => {
        const { healthCheck, tls } = this.#entry
        return healthCheck === null ? null : targetOf(record, { healthCheck, tls })
      },
    })
  }

  #save(): void {
    const { state, clock } = this.#parts
    const kept = [...this.endpoints.records.values()].filter(({ published }) => published.registry !== 'absent')
    state?.save({
      service: this.name,
      source: this.#entry.from,
      registryName: queryOf(this.#entry),
      position: this.#position,
      savedAtMs: clock.wallMs(),
      instances: kept.map(({ instance }) => instance),
      held: [...this.#held],
    })
  }
}
