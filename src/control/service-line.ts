import { isDeepStrictEqual } from 'node:util'
import type { Instance } from '../core/instance.ts'
import type { ServiceSettings } from '../core/snapshot.ts'
import type { Discovery } from '../discovery/contract.ts'
import type { CheckTarget } from '../health/check-probe.ts'
import { eligible } from '../health/eligibility.ts'
import type { ServiceEntry } from './control-config.ts'
import type { Disagreements } from './disagreements.ts'
import type { HealthChecks } from './health-checks.ts'
import { listersOf, merge, type Merged } from './merge.ts'
import { queryOf } from './query.ts'
import { ServiceEndpoints, type EndpointsParts } from './service-endpoints.ts'
import { SourceLine, type OwningService, type SourceLineParts } from './source-line.ts'
import type { StateStore } from './state-store.ts'
import type { Causes } from './transition.ts'

/** What all lines of one control plane share. */
export interface LineParts extends EndpointsParts, SourceLineParts {
  readonly checks: HealthChecks
  readonly disagreements: Disagreements
  readonly state: StateStore | null
  /** The endpoints of a service, or what is said of them, are others. */
  readonly onSettled: (service: string) => void
}

/** One service's way from its sources to its endpoints: what they list is merged, put in force and saved. */
export class ServiceLine implements OwningService {
  /** Row in the Ledger. */
  readonly slot: number
  readonly endpoints: ServiceEndpoints
  readonly #parts: LineParts
  #entry: ServiceEntry
  /** In the order of the entry. */
  #sources: readonly SourceLine[] = []
  /** No longer in the entry, and in force until all that are have a list. */
  #leaving: readonly SourceLine[] = []
  #merged: Merged | null = null

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

  get sources(): readonly SourceLine[] {
    return this.#sources
  }

  /** Names of the sources that list an endpoint now. */
  sourcesOf(id: string): readonly string[] {
    return this.#merged === null ? [] : (listersOf(this.#merged, id)?.sources ?? [])
  }

  /**
   * True once there is a list of its endpoints: every source, or the state file for it, has said one, or could not be asked
   * while another has.
   */
  get hasList(): boolean {
    if (this.#leaving.length > 0) return true
    return this.#sources.every((source) => source.wasHeard) && this.#sources.some((source) => source.hasList)
  }

  /** True when there is an endpoint that may be picked. */
  get canServe(): boolean {
    return eligible([...this.endpoints.records.values()], 0).eligible.length > 0
  }

  /** Resolves when every source, or the state file for it, has spoken for the first time, or could not be asked. */
  async heard(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.heard))
    // Whoever waits for all of them must not find the list of the first alone in force.
    this.endpoints.sendNow()
  }

  /** True while what is served is not what the sources say now. */
  get isStale(): boolean {
    return this.#sources.some((source) => source.isStale)
  }

  /** Of the source that has been silent longest; see ServiceWatch. */
  ageMs(): number {
    return this.#sources.reduce((most, source) => Math.max(most, source.ageMs()), 0)
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

  /**
   * Takes new settings; the endpoints stay. A source keeps its watch where it asks the same discovery for the same.
   *
   * @returns what to do once the data threads have the configuration: watches begin
   */
  configure(entry: ServiceEntry, discoveryOf: (source: string) => Discovery): () => void {
    const isNew = this.#sources.length === 0
    const before = [...this.#sources, ...this.#leaving]
    const isFedAlike = isDeepStrictEqual([entry.from, entry.subset], [this.#entry.from, this.#entry.subset])
    this.#entry = entry
    this.endpoints.configure(entry)
    this.#sources = entry.from.map(
      ({ source, name, weightPercent }) =>
        before.find((known) => known.asks(source, queryOf({ name, subset: entry.subset }))) ??
        new SourceLine({ source, name, weightPercent }, this, this.#parts),
    )
    const gone = before.filter((known) => !this.#sources.includes(known))
    // The outage of who was asked is no doubt about who will be, and nobody is left to see its end.
    for (const source of gone) void source.stop()
    this.#leaving = gone.filter(({ hasList }) => hasList)
    if (isNew || isFedAlike) this.#followChecks()
    else this.#settle({})
    return () => this.#follow(isNew, discoveryOf)
  }

  /** A hold is over. */
  released(id: string, cause: string): void {
    this.#sources.some((source) => source.released(id, cause))
  }

  isFedBy({ source, name }: SourceLine): boolean {
    return this.#sources.some((own) => own.isOf(source, name))
  }

  /** Something that this source says of it can't be used, and has been named. */
  countSkipped(source: string): void {
    for (const own of this.#sources) if (own.source === source) own.skippedEntries++
  }

  checkTargetOf(instance: Instance): CheckTarget | null {
    const { healthCheck, tls } = this.#entry
    const { host, hostName = null, port } = instance
    return healthCheck === null ? null : { host, hostName, port, check: healthCheck, tls }
  }

  changed(causes: Causes): void {
    this.#settle(causes)
    this.#save()
  }

  /** The configuration of that version no longer names the service. */
  async close(configVersion: number): Promise<void> {
    const { checks, disagreements } = this.#parts
    checks.end(this.name)
    disagreements.forget(this.name)
    this.endpoints.close(configVersion)
    await this.stop()
  }

  /** Ends the watches; the endpoints stay as they are. */
  async stop(): Promise<void> {
    this.endpoints.stop()
    await Promise.all(this.#sources.map((source) => source.stop()))
  }

  #follow(isNew: boolean, discoveryOf: (source: string) => Discovery): void {
    const rememberedAgeMs = isNew ? this.#recall() : null
    for (const source of this.#sources) {
      const discovery = discoveryOf(source.source)
      if (!source.follows(discovery)) source.follow(discovery, source.hasList ? rememberedAgeMs : null)
    }
  }

  /** Serves what an earlier process saw last. @returns how old that is; null when it is not known */
  #recall(): number | null {
    const { state, clock } = this.#parts
    const saved = state?.load(this.name) ?? null
    if (saved === null) return null
    const lists = [saved, ...(saved.others ?? [])]
    for (const source of this.#sources) {
      const list = lists.find((each) => source.asks(each.source, each.registryName))
      if (list !== undefined) source.recall(list)
    }
    if (this.#sources.some(({ hasList }) => hasList)) {
      this.changed({
        added: 'the state file lists it; the registry has not answered yet',
        held: 'it was held when the state file was written',
      })
    }
    return Math.max(0, clock.wallMs() - saved.savedAtMs)
  }

  /** Puts what is listed and held now in force. */
  #settle(causes: Causes): void {
    if (this.#sources.every((source) => source.hasList)) this.#leaving = []
    const said = [...this.#sources, ...this.#leaving].filter((source) => source.hasList)
    if (said.length > 0) {
      const listings = said.map(({ source, listing }) => ({ source, listing, weightPercent: this.#weightOf(source) }))
      this.#merged = merge(listings, this.#merged)
      this.endpoints.settle(this.#merged.listing, causes)
    }
    this.#followChecks()
    this.#parts.onSettled(this.name)
  }

  /** Those that leave keep weight: until the others have spoken, nothing else may be there. */
  #weightOf(source: string): number {
    return this.#entry.from.find((asked) => asked.source === source)?.weightPercent ?? 100
  }

  #followChecks(): void {
    this.#parts.checks.follow(this.name, this.#entry, this.endpoints.records)
    // Verdicts on what is no longer checked are gone.
    this.endpoints.restand()
  }

  #save(): void {
    const { state, clock } = this.#parts
    if (state === null) return
    const [first, ...others] = this.#sources.filter((source) => source.hasList).map((source) => source.saved())
    if (first === undefined) return
    const many = others.length > 0 ? { others } : {}
    state.save({ service: this.name, ...first, savedAtMs: clock.wallMs(), ...many })
  }
}
