import type { Instance } from '../core/instance.ts'
import type { Answer, Discovery } from '../discovery/contract.ts'
import type { CheckTarget } from '../health/check-probe.ts'
import type { Random } from '../util/random.ts'
import type { AddressBook } from './address-book.ts'
import type { ServiceEntry, ServiceSource } from './control-config.ts'
import type { ControlClock } from './control-clock.ts'
import { heldAfter } from './hold-rule.ts'
import type { Holds } from './hold.ts'
import { byIdentity } from './identity.ts'
import { knownFromBefore } from './known-from-before.ts'
import { listingOf, type Listing } from './listing.ts'
import { messageOf, type OnProblem } from './problem.ts'
import { queryOf, watchQuery } from './query.ts'
import type { SourceOutages } from './source-outages.ts'
import type { SavedList } from './state-format.ts'
import type { Timeline } from './timeline.ts'
import type { Causes } from './transition.ts'
import { ServiceWatch, type WatchedAnswer } from './watch.ts'

const none: ReadonlyMap<string, Instance> = new Map()

export interface SourceLineParts {
  readonly clock: ControlClock
  readonly random: Random
  readonly timeline: Timeline
  readonly holds: Holds
  readonly outages: SourceOutages
  readonly addresses: AddressBook<SourceLine>
  /** By `placeOf`. */
  readonly askers: AddressBook<SourceLine>
  readonly onProblem: OnProblem
  /** True when that service has a source that asks the same registry for the same name. */
  readonly isFedBy: (service: string, line: SourceLine) => boolean
  /** Turns host names in answers into addresses. */
  readonly resolve: (answers: AsyncIterable<Answer>, signal: AbortSignal) => AsyncIterable<Answer>
}

/** The service whose line it is part of. */
export interface OwningService {
  readonly entry: ServiceEntry
  /** True where that one is fed by a source of this service, too: then it is no other service. */
  isFedBy(other: SourceLine): boolean
  checkTargetOf(instance: Instance): CheckTarget | null
  /** The listing is another. */
  changed(causes: Causes): void
}

/**
 * What one source says of one service: its answers are doubted where it may have forgotten, and its outage leaves its last word
 * as it is, whatever the service's other sources say.
 */
export class SourceLine {
  readonly name: string
  readonly source: string
  /** The part of it that is asked for, and the whole question as a text. */
  readonly subset: ServiceEntry['subset']
  readonly query: string
  readonly updates = { changed: 0, same: 0, error: 0 }
  /** Entries of the registry that could not be used, and tags that could be no route, since the start. */
  skippedEntries = 0
  readonly #owner: OwningService
  readonly #parts: SourceLineParts
  readonly #heard = Promise.withResolvers<void>()
  #discovery: Discovery | null = null
  /** The zone that instances are near to by its answers. */
  #nearZone: string | null = null
  #watch: ServiceWatch | null = null
  #hasList = false
  #wasHeard = false
  #position: number | null = null
  /** The last answer, while something is held in spite of it. */
  #listed: ReadonlyMap<string, Instance> = none
  #held: ReadonlySet<string> = new Set()
  #listing: Listing = new Map()
  /** All that the last answer lists, whose addresses are in the address book. */
  #placed: readonly Instance[] = []

  constructor({ source, name }: ServiceSource, owner: OwningService, parts: SourceLineParts) {
    this.source = source
    this.name = name
    this.subset = owner.entry.subset
    this.query = queryOf(this)
    this.#owner = owner
    this.#parts = parts
  }

  get listing(): Listing {
    return this.#listing
  }

  /** True once the source or the state file has said which instances there are. */
  get hasList(): boolean {
    return this.#hasList
  }

  /** True once it has a list, or could not be asked. */
  get wasHeard(): boolean {
    return this.#wasHeard
  }

  /** Resolves with that. */
  get heard(): Promise<void> {
    return this.#heard.promise
  }

  /** True while what is served is not what the source says now. */
  get isStale(): boolean {
    return this.#watch === null || !this.#watch.connected
  }

  /** See ServiceWatch. */
  ageMs(): number {
    return this.#watch?.ageMs() ?? 0
  }

  /** True when it asks that source so; see `queryOf`. */
  asks(source: string, query: string): boolean {
    return this.source === source && this.query === query
  }

  /** True when it asks that source for that service, or for a part of it. */
  isOf(source: string, name: string): boolean {
    return this.source === source && this.name === name
  }

  /** True when it needs no other watch than it has. */
  follows(discovery: Discovery): boolean {
    return this.#discovery === discovery && this.#nearZone === preferredZone(this.#owner.entry)
  }

  /** Takes over what an earlier process saw last, and tells nobody; the first answer is compared with it. `follow` comes next. */
  recall({ position, instances, held }: SavedList): void {
    const { listed } = byIdentity(this.source, instances, this.#listing)
    this.#position = position
    this.#take(listed, new Set(held.filter((id) => listed.has(id))))
  }

  /** Follows that discovery from now on, instead of the one before, and keeps its word until the first answer. */
  follow(discovery: Discovery, rememberedAgeMs: number | null): void {
    const { clock, random, resolve, askers } = this.#parts
    const { name, subset } = this
    const { zone } = this.#owner.entry
    const afterOutage = this.#watch?.lost ?? false
    void this.#watch?.stop()
    this.#discovery = discovery
    this.#nearZone = preferredZone(this.#owner.entry)
    this.#watch = new ServiceWatch({
      open: (signal) => resolve(watchQuery(discovery, { name, subset, zone }, signal), signal),
      clock,
      random,
      remembered: rememberedAgeMs === null ? null : { position: this.#position, ageMs: rememberedAgeMs },
      afterOutage,
      listener: {
        answered: (answer, changed) => this.#answered(answer, changed),
        unchanged: () => void this.updates.same++,
        failed: (error, first) => this.#failed(error, first),
      },
    })
    askers.add(this, placeOf(this.source, name))
    this.#watch.start()
    // Recalled, or ended when it was stopped.
    for (const id of this.#held) this.#hold(id)
  }

  /** A hold is over. @returns false when it was not this source's */
  released(id: string, cause: string): boolean {
    if (!this.#held.has(id)) return false
    const held = new Set(this.#held)
    held.delete(id)
    this.#settle(this.#listed, held, { released: cause })
    return true
  }

  /** The registry has an entry that can't be used. */
  skipped(entry: string, reason: string): void {
    this.skippedEntries++
    const cause = `${this.source} has ${entry}, which is left out: ${reason}`
    this.#parts.timeline.record({ type: 'skipped', service: this.#owner.entry.key, endpoint: null, cause })
  }

  /** For the state file. */
  saved(): SavedList {
    return {
      source: this.source,
      registryName: this.query,
      position: this.#position,
      instances: [...this.#listing.values()].map(({ instance }) => instance),
      held: [...this.#held],
    }
  }

  /** Nobody is asked any more, and nothing is probed for it; its word stays readable. */
  async stop(): Promise<void> {
    // One that is stopped already: another line may have endpoints of the same ids by now.
    if (this.#discovery === null) return this.#watch?.stop()
    const { holds, outages, addresses, askers } = this.#parts
    const { key } = this.#owner.entry
    outages.forget(this.source, key)
    for (const id of this.#held) holds.end(key, id)
    addresses.follow(this, this.#placed, [])
    this.#placed = []
    askers.remove(this, placeOf(this.source, this.name))
    this.#discovery = null
    await this.#watch?.stop()
  }

  #answered(answer: WatchedAnswer, changed: boolean): void {
    const { outages, holds, addresses, onProblem } = this.#parts
    const { key, holdMs, healthCheck } = this.#owner.entry
    const { position, afterOutage, wentBackwards } = answer
    const fromBefore = knownFromBefore(answer.unresolved, this.#listing)
    const instances = fromBefore.length === 0 ? answer.instances : [...answer.instances, ...fromBefore]
    this.updates[changed ? 'changed' : 'same']++
    outages.answered(this.source, key)
    const { listed, duplicates } = byIdentity(this.source, instances, this.#listing)
    for (const id of duplicates) onProblem({ place: id, message: 'listed twice; the last entry counts' })
    const held = heldAfter({
      before: this.#listing,
      listed,
      afterOutage,
      wentBackwards,
      holdMs,
      isListedElsewhere: (address) => this.#isListedElsewhere(address),
    })
    this.#position = position
    addresses.follow(this, this.#placed, instances)
    this.#placed = instances
    const proof = healthCheck === null ? 'it accepts connections' : 'its health check passes'
    const doubt = wentBackwards ? 'the registry lost its memory' : 'the registry answered after an outage'
    this.#settle(listed, held, { held: `${doubt} and does not let it serve; kept while ${proof}` })
    holds.claim((service) => this.#parts.isFedBy(service, this), instances)
  }

  #failed(error: unknown, first: boolean): void {
    const { outages, onProblem } = this.#parts
    this.updates.error++
    outages.failed(this.source, this.#owner.entry.key, messageOf(error))
    this.#hear()
    if (first) onProblem({ place: `${this.source}/${this.name}`, message: messageOf(error) })
  }

  #isListedElsewhere(address: string): boolean {
    for (const other of this.#parts.addresses.ownersOf(address)) if (!this.#owner.isFedBy(other)) return true
    return false
  }

  #settle(listed: ReadonlyMap<string, Instance>, held: ReadonlySet<string>, causes: Causes): void {
    const { holds } = this.#parts
    const { key } = this.#owner.entry
    const before = this.#held
    this.#take(listed, held)
    this.#owner.changed(causes)
    for (const id of before) if (!held.has(id)) holds.end(key, id)
    for (const id of held) if (!before.has(id)) this.#hold(id)
  }

  #take(listed: ReadonlyMap<string, Instance>, held: ReadonlySet<string>): void {
    this.#listing = listingOf(listed, held, this.#listing)
    this.#listed = held.size > 0 ? listed : none
    this.#held = held
    this.#hasList = true
    this.#hear()
  }

  #hear(): void {
    this.#wasHeard = true
    this.#heard.resolve()
  }

  #hold(id: string): void {
    const instance = this.#listing.get(id)?.instance
    if (instance === undefined) return
    const { key, holdMs, connectTimeoutMs } = this.#owner.entry
    const { host, port } = instance
    this.#parts.holds.begin({
      service: key,
      id,
      host,
      port,
      holdMs,
      connectTimeoutMs,
      checkTarget: () => this.#owner.checkTargetOf(instance),
    })
  }
}

/** A service of a source. */
export function placeOf(source: string, name: string): string {
  return `${source}\n${name}`
}

function preferredZone({ zone }: ServiceEntry): string | null {
  return zone?.prefer ?? null
}
