import { isDeepStrictEqual } from 'node:util'
import type { RouteRule } from '../core/route.ts'
import type { Discovery } from '../discovery/contract.ts'
import type { Random } from '../util/random.ts'
import { type Advertised, advertisedBy } from './advertised.ts'
import { CatalogWatch } from './catalog-watch.ts'
import type { ControlConfig, SourceEntry } from './control-config.ts'
import type { Cancel, ControlClock } from './control-clock.ts'
import type { Records } from './membership.ts'
import type { SourceOutages } from './source-outages.ts'
import type { SavedService } from './state-format.ts'
import type { StateStore } from './state-store.ts'
import { isAllOf, planTags, type SkippedTag, type TaggedService, type TagPlan } from './tag-plan.ts'
import type { Timeline } from './timeline.ts'

/** Changes that come together make one new table. */
const gatherMs = 2
const minIntervalMs = 100
/** A table for thousands of routes takes a while to make and to hand over: at most a twentieth of the time goes into it. */
const restPerWork = 20

interface Line {
  readonly hasList: boolean
  readonly endpoints: { readonly records: Records }
  countSkipped(source: string): void
}

export interface TagRoutesOptions {
  readonly clock: ControlClock
  readonly random: Random
  readonly timeline: Timeline
  readonly state: StateStore | null
  readonly outages: SourceOutages
  readonly lineOf: (key: string) => Line | undefined
  /** What `plan` says may have changed. */
  readonly onChange: () => void
}

/**
 * Routes that tags in registries ask for: keeps an eye on which services have such tags, and reads the tags themselves where
 * the instances are kept anyway. So a route stays as long as an instance that has its tag is listed, or held.
 */
export class TagRoutes {
  readonly #options: TagRoutesOptions
  readonly #catalogs = new Map<string, CatalogWatch>()
  /** By source, services that had such tags; they are forgotten once they have none and the registry does not name them. */
  readonly #names = new Map<string, Set<string>>()
  readonly #advertised = new Map<string, { readonly records: Records; readonly advertised: Advertised }>()
  #plan: TagPlan = { services: [], routes: [], skipped: [] }
  /** Of the plan's services, by key. */
  #prefixes: ReadonlyMap<string, string> = new Map()
  #cancel: Cancel | null = null
  #notBeforeMs = -Infinity

  constructor(options: TagRoutesOptions) {
    this.#options = options
  }

  /** The routes in force that come of tags. */
  get routes(): readonly RouteRule[] {
    return this.#plan.routes
  }

  /** Follows the sources of a configuration whose tags are routes, and no others. */
  configure(sources: readonly SourceEntry[], discoveryOf: (source: string) => Discovery): void {
    const wanted = new Map<string, string>()
    for (const { name, routesFromTags: prefix } of sources) if (prefix != null) wanted.set(name, prefix)
    for (const [source, catalog] of this.#catalogs) {
      if (wanted.get(source) === catalog.prefix && discoveryOf(source) === catalog.discovery) continue
      catalog.stop()
      this.#catalogs.delete(source)
      if (!wanted.has(source)) this.#names.delete(source)
    }
    for (const [source, prefix] of wanted) {
      if (this.#catalogs.has(source)) continue
      const { clock, random, outages } = this.#options
      if (!this.#names.has(source)) this.#names.set(source, this.#remembered(source, prefix))
      this.#catalogs.set(
        source,
        new CatalogWatch({
          discovery: discoveryOf(source),
          source,
          prefix,
          clock,
          random,
          outages,
          onChange: () => this.#schedule(),
        }),
      )
    }
  }

  /** Resolves when each source has said which services have such tags, or could not. */
  async heard(): Promise<void> {
    await Promise.all([...this.#catalogs.values()].map(({ heard }) => heard))
  }

  /** What nobody has spoken for yet, in words. */
  missing(): readonly string[] {
    const unheard = [...this.#catalogs].filter(([, { names }]) => names === null).map(([source]) => source)
    const waiting = this.#cancel === null ? [] : [...this.#catalogs.keys()]
    return [...new Set([...unheard, ...waiting])].map(missingName)
  }

  /** True of what another process misses and this one has. */
  hasHeard(missing: string): boolean {
    return [...this.#catalogs].some(([source, { names }]) => names !== null && missingName(source) === missing)
  }

  /** The instances of a service are others now, or have other tags. */
  settled(key: string): void {
    const prefix = this.#prefixes.get(key)
    if (prefix === undefined) return
    const before = this.#advertised.get(key)?.advertised
    if (before === undefined || !isDeepStrictEqual(before, this.#advertisedOf(key, prefix))) this.#schedule()
  }

  /** What is to be in force with that configuration now. */
  plan(config: ControlConfig<SourceEntry>): TagPlan {
    const tagged = config.discovery.flatMap(({ name }) => this.#taggedIn(name))
    const plan = planTags({
      config,
      tagged,
      advertisedOf: (key, prefix) => this.#advertisedOf(key, prefix),
      hasList: (key) => this.#options.lineOf(key)?.hasList ?? false,
      before: this.#plan.routes,
    })
    const kept = this.#withoutForgotten(plan, tagged)
    const prefixOf = new Map(tagged.map(({ source, prefix }) => [source, prefix]))
    this.#prefixes = new Map(
      kept.services.map(({ key, from: [only] }) => [key, prefixOf.get(only?.source ?? '') ?? '']),
    )
    return kept
  }

  /** Whether a plan asks for no other routes, and no fewer services, than that in force. */
  isInForce({ services, routes }: TagPlan): boolean {
    const has = new Map(services.map((entry) => [entry.key, entry]))
    const keeps = this.#plan.services.every((entry) => isDeepStrictEqual(has.get(entry.key), entry))
    return keeps && isDeepStrictEqual(routes, this.#plan.routes)
  }

  /** The plan is in force. */
  adopt(plan: TagPlan): void {
    const before = this.#plan
    this.#plan = plan
    for (const key of this.#advertised.keys()) if (!this.#prefixes.has(key)) this.#advertised.delete(key)
    this.#recordRoutes(before.routes, plan.routes)
    this.#recordSkipped(before.skipped, plan.skipped)
  }

  /** A new table was handed over for the sake of tags: the next one has to wait. @param startedMs when the work on it began */
  rest(startedMs: number): void {
    const nowMs = this.#options.clock.now()
    this.#notBeforeMs = nowMs + Math.max(minIntervalMs, (nowMs - startedMs) * restPerWork)
  }

  close(): void {
    for (const catalog of this.#catalogs.values()) catalog.stop()
    this.#cancel?.()
  }

  #schedule(): void {
    const { clock, onChange } = this.#options
    if (this.#cancel !== null) return
    this.#cancel = clock.after(Math.max(gatherMs, this.#notBeforeMs - clock.now()), () => {
      this.#cancel = null
      onChange()
    })
  }

  #taggedIn(source: string): TaggedService[] {
    const catalog = this.#catalogs.get(source)
    if (catalog === undefined) return []
    const names = this.#names.get(source) ?? new Set()
    for (const name of catalog.names ?? []) names.add(name)
    this.#names.set(source, names)
    return [...names].toSorted().map((name) => ({ source, prefix: catalog.prefix, name }))
  }

  /** What has no such tags, neither by its instances nor by the registry's listing, and is not held, is none of ours. */
  #withoutForgotten(plan: TagPlan, tagged: readonly TaggedService[]): TagPlan {
    const forgotten = new Set<string>()
    for (const { source, name, prefix } of tagged) {
      const listed = this.#catalogs.get(source)?.names
      if (listed == null || listed.has(name)) continue
      const main = plan.services.find((entry) => isAllOf(entry, { source, name }))
      const line = main === undefined ? undefined : this.#options.lineOf(main.key)
      // Not heard of yet: its instances may be held.
      if (line !== undefined && !line.hasList) continue
      const advertised = main === undefined ? null : this.#advertisedOf(main.key, prefix)
      if (advertised !== null && advertised.routes.length > 0) continue
      this.#names.get(source)?.delete(name)
      if (main !== undefined) forgotten.add(main.key)
    }
    return forgotten.size === 0 ? plan : { ...plan, services: plan.services.filter(({ key }) => !forgotten.has(key)) }
  }

  #advertisedOf(key: string, prefix: string): Advertised | null {
    const line = this.#options.lineOf(key)
    if (line === undefined || !line.hasList) return null
    const { records } = line.endpoints
    const known = this.#advertised.get(key)
    if (known?.records === records) return known.advertised
    const listed = [...records.values()].filter(({ published }) => published.registry !== 'absent')
    const advertised = advertisedBy(
      listed.map(({ instance }) => instance),
      prefix,
    )
    this.#advertised.set(key, { records, advertised })
    return advertised
  }

  /** Services that an earlier process knew by their tags, for a start while the registry is down. */
  #remembered(source: string, prefix: string): Set<string> {
    const saved = this.#options.state?.all() ?? []
    const hasTag = ({ instances }: SavedService) =>
      instances.some(({ tags }) => tags.some((tag) => tag.startsWith(prefix)))
    const ours = saved.filter((service) => service.source === source && hasTag(service))
    // What was asked for in parts is written behind the name.
    return new Set(ours.map(({ registryName }) => registryName.split(' ', 1)[0] ?? ''))
  }

  #recordRoutes(before: readonly RouteRule[], after: readonly RouteRule[]): void {
    const { timeline } = this.#options
    const old = new Map(before.map((rule) => [rule.id, rule]))
    for (const rule of after) {
      const was = old.get(rule.id)
      old.delete(rule.id)
      if (was?.origin === rule.origin) continue
      const cause = was === undefined ? `${rule.origin}` : `${rule.origin}; it was ${was.origin}`
      timeline.record({ type: 'route-added', service: rule.service, endpoint: null, cause: `${rule.id}: ${cause}` })
    }
    for (const { id, service, origin } of old.values()) {
      timeline.record({ type: 'route-removed', service, endpoint: null, cause: `${id}: ${origin} is gone` })
    }
  }

  /** Each once, as long as it stays. */
  #recordSkipped(before: readonly SkippedTag[], after: readonly SkippedTag[]): void {
    const said = new Set(before.map(({ service, cause }) => `${service}\n${cause}`))
    for (const { service, unusableIn, cause } of after) {
      if (said.has(`${service}\n${cause}`)) continue
      this.#options.timeline.record({ type: 'route-skipped', service, endpoint: null, cause })
      if (unusableIn !== null) this.#options.lineOf(service)?.countSkipped(unusableIn)
    }
  }
}

function missingName(source: string): string {
  return `routes from tags of ${source}`
}
