import type { RouteRule } from '../core/route.ts'
import type { ClientTlsSettings } from '../core/snapshot.ts'
import { comesBeforeTags, isUnconditional } from '../routing/precedence.ts'
import { buildTable, type RouteTable, type Ruled } from '../routing/table.ts'
import type { Advertised, AdvertisedRoute } from './advertised.ts'
import type { ControlConfig, ServiceEntry, SourceEntry } from './control-config.ts'

/** A service of a registry that has tags of routes. */
export interface TaggedService {
  readonly source: string
  readonly prefix: string
  readonly name: string
}

export interface SkippedTag {
  readonly service: string
  /** The source of a tag that can't be read or served, whatever else there is; null of one that gives way. */
  readonly unusableIn: string | null
  readonly cause: string
}

export interface TagPlan {
  /** Of all tagged services, also of those whose routes are not known yet. */
  readonly services: readonly ServiceEntry[]
  readonly routes: readonly RouteRule[]
  readonly skipped: readonly SkippedTag[]
}

export interface PlanQuestion {
  readonly config: ControlConfig<SourceEntry>
  /** In the order in which they win over each other. */
  readonly tagged: readonly TaggedService[]
  /** What the instances of a service of the gateway ask for; null = there is no such service yet. */
  readonly advertisedOf: (key: string, prefix: string) => Advertised | null
  /** Whether it is known which instances a service has. */
  readonly hasList: (key: string) => boolean
  /** The routes from tags that are in force. */
  readonly before: readonly RouteRule[]
}

/**
 * What services and routes come of tags, beside those that the configuration declares. A service of a registry is one of the
 * gateway, by its name there and with the settings that the configuration has for that name; a route that only some of its
 * instances ask for, or by shares, or over TLS, has a service of its own with those instances, `NAME HOST/PATH`.
 */
export function planTags(question: PlanQuestion): TagPlan {
  const { config, tagged, advertisedOf, hasList, before } = question
  const services: ServiceEntry[] = []
  const routes: RouteRule[] = []
  const skipped: SkippedTag[] = []
  const keys = new Set<string>()
  const ids = new Set(config.routes.map(({ id }) => id))
  const claims = buildTable(config.routes.filter(isClaim).map((rule) => ({ rule })))
  const takenBy = new Map(config.routes.map((rule) => [matchOf(rule), 'a route of the configuration']))
  const declared = new Set(config.services.map(({ key }) => key))
  const inForce = new Map(before.map((rule) => [matchOf(rule), rule.service]))
  for (const service of tagged) {
    const main = mainEntry(service, config, keys)
    if (main === null) {
      const cause = `the tags of ${service.name} in ${service.source} are no routes: its name is taken by another service`
      skipped.push({ service: service.name, unusableIn: null, cause })
      continue
    }
    const advertised = advertisedOf(main.key, service.prefix) ?? nothingAdvertised
    const entry = withTls(main, advertised, config)
    keys.add(entry.key)
    services.push(entry)
    const skip = (tag: string, reason: string, unusableIn: string | null = null) =>
      skipped.push({ service: entry.key, unusableIn, cause: `${originOf(tag, service)} is no route: ${reason}` })
    for (const [tag, reason] of advertised.refused) skip(tag, reason, service.source)
    for (const route of advertised.routes) {
      const rule = ruleOf(route, service, config)
      const match = matchOf(rule)
      const target = targetOf(route, entry, service)
      const owner = takenBy.get(match)
      const claim = claimOn(rule, claims)
      const needsPlain = route.scheme === 'http' && entry.tls !== null
      const isNameTaken = target !== entry && (keys.has(target.key) || declared.has(target.key))
      if (owner !== undefined) skip(route.tag, `${owner} takes the same requests`)
      else if (claim !== null) skip(route.tag, `the declared route ${claim} takes all of its requests`)
      else if (needsPlain) skip(route.tag, 'its service is reached over TLS only')
      else if (isNameTaken) skip(route.tag, `another service has the name ${JSON.stringify(target.key)}`)
      if (owner !== undefined || claim !== null || needsPlain || isNameTaken) continue
      takenBy.set(match, `a tag of ${entry.key}`)
      keys.add(target.key)
      if (target !== entry) services.push(target)
      // A service of its own takes the requests over once its instances are known, so that none comes too early.
      const isKnown = target === entry || hasList(target.key)
      const chosen = isKnown ? target.key : inForce.get(match)
      if (chosen === undefined) continue
      const id = ids.has(rule.id) ? `${rule.id} (tag)` : rule.id
      ids.add(id)
      routes.push({ ...rule, id, service: chosen })
    }
  }
  const named = new Set(services.map(({ key }) => key))
  return { services, routes: routes.filter(({ service }) => named.has(service)), skipped }
}

const nothingAdvertised: Advertised = { routes: [], refused: new Map() }

/** The service that stands for one of a registry; null where its names are taken. */
function mainEntry(
  { source, name }: TaggedService,
  { services, fromTags }: PlanQuestion['config'],
  taken: ReadonlySet<string>,
): ServiceEntry | null {
  if (fromTags === undefined) return null
  const declared = services.find(({ key }) => key === name)
  const isSame = declared !== undefined && isAllOf(declared, { source, name })
  if (isSame && !taken.has(name)) return declared
  const key = declared === undefined && !taken.has(name) ? name : `${source}:${name}`
  if (taken.has(key) || services.some((service) => service.key === key)) return null
  return { ...fromTags.service, key, from: [{ source, name, weightPercent: 100 }], subset: null }
}

/** Whether it is that service of the registry, whole and by itself: what another source lists has no part in its tags. */
export function isAllOf(
  { from, subset }: ServiceEntry,
  { source, name }: Pick<TaggedService, 'source' | 'name'>,
): boolean {
  return subset === null && from.every((asked) => asked.source === source && asked.name === name)
}

/** Where all of a service's tags ask for TLS, it is a matter of the service; what the configuration says of it stands. */
function withTls(entry: ServiceEntry, { routes }: Advertised, config: PlanQuestion['config']): ServiceEntry {
  const [first, ...others] = routes
  const isDeclared = config.services.includes(entry)
  if (isDeclared || entry.tls !== null || first?.scheme !== 'https') return entry
  const isCommon = others.every(({ scheme, verifies }) => scheme === 'https' && verifies === first.verifies)
  return isCommon ? { ...entry, tls: tlsOf(first) } : entry
}

function tlsOf({ verifies }: AdvertisedRoute): ClientTlsSettings {
  return { ca: null, servername: null, keyPair: null, verify: verifies }
}

/** The service that a route goes to: that of all instances where they all have its tag. */
function targetOf(route: AdvertisedRoute, entry: ServiceEntry, { prefix }: TaggedService): ServiceEntry {
  const needsTls = route.scheme === 'https' && entry.tls === null
  if (route.isOnAll && !route.hasShares && !needsTls) return entry
  const { place } = route
  const tls = needsTls ? tlsOf(route) : entry.tls
  return { ...entry, key: `${entry.key} ${place}`, subset: { prefix, place }, tls }
}

function ruleOf(route: AdvertisedRoute, service: TaggedService, { fromTags }: PlanQuestion['config']): RouteRule {
  const { host, path, stripPrefix, prependPath, access, redirect, place, tag } = route
  const settings = fromTags?.route as NonNullable<PlanQuestion['config']['fromTags']>['route']
  return {
    ...settings,
    id: place,
    host,
    path,
    service: service.name,
    stripPrefix,
    prependPath,
    rewriteHost: route.rewriteHost || settings.rewriteHost,
    access,
    redirect,
    origin: originOf(tag, service),
  }
}

/** Whether a route leaves nothing of its place to tags. */
function isClaim(rule: RouteRule): boolean {
  return comesBeforeTags(rule) && isUnconditional(rule)
}

/** The declared route that takes every request which a route would; null where there is none. */
function claimOn({ host, path }: RouteRule, claims: RouteTable<Ruled>): string | null {
  const found = claims.match({ host: host ?? '', path, method: '', header: () => null })
  return found === null ? null : found.rule.id
}

function originOf(tag: string, { name, source }: TaggedService): string {
  return `tag ${JSON.stringify(tag)} of ${name} in ${source}`
}

/** Equal for two routes that accept the same requests. */
function matchOf({ host, path, methods, headers }: RouteRule): string {
  const fields = headers.map(({ name, value }) => `${name}=${value}`).toSorted()
  return JSON.stringify([host, path, methods?.toSorted() ?? null, fields])
}
