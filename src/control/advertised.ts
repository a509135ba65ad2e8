import type { Instance } from '../core/instance.ts'
import { parseTagRoute, placeOf, TagProblem, type TagRoute } from '../routing/tag-route.ts'

/** A route that tags of a service's instances ask for. */
export interface AdvertisedRoute extends TagRoute {
  /** Host and path. */
  readonly place: string
  /** The tag of the first instance that has it, as it stands there. */
  readonly tag: string
  /** False when an instance does without the tag, or has it otherwise: it must not be sent what comes by this route. */
  readonly isOnAll: boolean
  /** An instance asks for a share of the traffic. */
  readonly hasShares: boolean
}

export interface Advertised {
  readonly routes: readonly AdvertisedRoute[]
  /** By tag, why it is no route. */
  readonly refused: ReadonlyMap<string, string>
}

/** Of one service, and read of one instance: whoever registers must not make the table as large as it likes. */
const maxRoutes = 256
/** What is refused beyond says nothing new, and each is a line of the log. */
const maxRefused = 100

/** Reads tags, each text once, since instances mostly have the same. */
class TagTexts {
  readonly #prefix: string
  readonly #read = new Map<string, TagRoute | string>()

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** The route, or why it is none; null where the tag is about something else. */
  read(tag: string): TagRoute | string | null {
    if (!tag.startsWith(this.#prefix)) return null
    let route = this.#read.get(tag)
    if (route !== undefined) return route
    try {
      route = parseTagRoute(tag.slice(this.#prefix.length))
    } catch (error) {
      if (!(error instanceof TagProblem)) throw error
      route = error.message
    }
    this.#read.set(tag, route)
    return route
  }
}

/** Those that are about routes, as many as are read. */
function tagsOf(instance: Instance, prefix: string): { tags: readonly string[]; firstUnread: string | undefined } {
  const tags = instance.tags.filter((tag) => tag.startsWith(prefix))
  const [firstUnread] = tags.splice(maxRoutes)
  return { tags, firstUnread }
}

/** All that two tags of one place have to agree on to be one route. */
function meaningOf(route: TagRoute): string {
  return JSON.stringify({ ...route, share: null })
}

/**
 * What the instances' tags come to. Where they disagree about a place, the tag that most instances have is the route; so it is with
 * the places, where there are too many.
 */
export function advertisedBy(instances: readonly Instance[], prefix: string): Advertised {
  const texts = new TagTexts(prefix)
  const places = new Map<string, Map<string, { tag: string; route: TagRoute; on: number; hasShares: boolean }>>()
  const refused = new Map<string, string>()
  const refuse = (tag: string, reason: string) => {
    if (refused.size < maxRefused) refused.set(tag, reason)
  }
  for (const instance of instances) {
    const seen = new Set<string>()
    const { tags, firstUnread } = tagsOf(instance, prefix)
    if (firstUnread !== undefined)
      refuse(firstUnread, `of an instance ${maxRoutes} such tags are read, and none from here on`)
    for (const tag of tags) {
      const route = texts.read(tag)
      if (typeof route === 'string') refuse(tag, route)
      if (route === null || typeof route === 'string') continue
      const place = placeOf(route)
      if (seen.has(place)) refuse(tag, 'another tag of the same instance has the same host and path')
      if (seen.has(place)) continue
      seen.add(place)
      const readings = places.get(place) ?? new Map<string, never>()
      places.set(place, readings)
      const meaning = meaningOf(route)
      const known = readings.get(meaning) ?? { tag, route, on: 0, hasShares: false }
      readings.set(meaning, { ...known, on: known.on + 1, hasShares: known.hasShares || route.share !== null })
    }
  }
  const found: { on: number; route: AdvertisedRoute }[] = []
  for (const [place, readings] of places) {
    const [best, ...others] = [...readings.values()].toSorted((a, b) => b.on - a.on || (a.tag < b.tag ? -1 : 1))
    if (best === undefined) continue
    for (const { tag } of others) refuse(tag, `more instances have ${best.tag}`)
    const { tag, route, on, hasShares } = best
    found.push({ on, route: { ...route, place, tag, isOnAll: on === instances.length, hasShares } })
  }
  const inOrder = found.toSorted((a, b) => b.on - a.on || (a.route.place < b.route.place ? -1 : 1))
  for (const { route } of inOrder.splice(maxRoutes)) {
    refuse(route.tag, `a service has ${maxRoutes} routes at most, those that more instances have before others`)
  }
  const routes = inOrder.map(({ route }) => route)
  return { routes: routes.toSorted((a, b) => (a.place < b.place ? -1 : 1)), refused }
}

/** The instances of a service that one of its routes leads to. */
export interface TagSubset {
  readonly prefix: string
  readonly place: string
}

const wholeShare = 10_000

/**
 * Those that have the tag of the route, weighted by the shares they ask for: as Fabio has it, the rest is divided evenly
 * among those that ask for none.
 */
export function withTag(instances: readonly Instance[], { prefix, place }: TagSubset): Instance[] {
  const texts = new TagTexts(prefix)
  const { routes } = advertisedBy(instances, prefix)
  const route = routes.find((candidate) => candidate.place === place)
  if (route === undefined) return []
  const { tag } = route
  const wanted = texts.read(tag)
  const meaning = wanted === null || typeof wanted === 'string' ? '' : meaningOf(wanted)
  const chosen = instances.flatMap((instance) => {
    for (const written of tagsOf(instance, prefix).tags) {
      const read = texts.read(written)
      if (read === null || typeof read === 'string' || placeOf(read) !== place) continue
      return meaningOf(read) === meaning ? [{ instance, share: read.share }] : []
    }
    return []
  })
  if (!route.hasShares) return chosen.map(({ instance }) => instance)
  const asked = chosen.filter(({ instance, share }) => share !== null && isServing(instance))
  const rest = chosen.filter(({ instance, share }) => share === null && isServing(instance)).length
  const taken = asked.reduce((sum, { share }) => sum + (share ?? 0), 0)
  const even = rest === 0 ? 0 : Math.max(0, 1 - taken) / rest
  return chosen.map(({ instance, share }) => ({ ...instance, weight: Math.round((share ?? even) * wholeShare) }))
}

function isServing({ status }: Instance): boolean {
  return status === 'passing' || status === 'warning'
}
