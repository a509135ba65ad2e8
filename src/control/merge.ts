import type { Instance } from '../core/instance.ts'
import { addressOf } from './identity.ts'
import type { Listed, Listing } from './listing.ts'

export interface WeightedListing {
  /** Name of the source. */
  readonly source: string
  readonly weightPercent: number
  readonly listing: Listing
}

/** Who lists an endpoint. */
export interface Listers {
  /** Names of the sources that list its address, in the service's order. */
  readonly sources: readonly string[]
  /** The ids under which they do. */
  readonly ids: readonly string[]
}

export interface Merged {
  /** By endpoint id. */
  readonly listing: Listing
  /** By endpoint id; or the one source that lists them all, by their ids: so it is with most services, and costs nothing. */
  readonly listers: ReadonlyMap<string, Listers> | string
}

export function listersOf({ listing, listers }: Merged, id: string): Listers | null {
  if (typeof listers !== 'string') return listers.get(id) ?? null
  return listing.has(id) ? { sources: [listers], ids: [id] } : null
}

interface Known {
  readonly id: string
  readonly listers: Listers
}

interface Candidate extends Listed {
  readonly id: string
  readonly of: WeightedListing
}

/**
 * The endpoints of a service that several sources list: what two of them list at one `host:port` is one endpoint. The first
 * source that lists it as not critical says its weight, zone and version; a source of weight 0 only where no other lets it serve.
 *
 * An endpoint keeps its id, and with it its connections and ejection, as long as any of those who listed it goes on, and when
 * another source takes its address over. What one source lists twice at an address stays two endpoints, as it is with one source.
 *
 * @param before what came of it last
 */
export function merge(listings: readonly WeightedListing[], before: Merged | null): Merged {
  const [only] = listings
  if (listings.length === 1 && only !== undefined && (before === null || before.listers === only.source)) {
    return { listing: weightedListing(only), listers: only.source }
  }
  const knownAt = new Map<string, Known[]>()
  for (const [id, { instance }] of before?.listing ?? []) {
    const listers = before === null ? null : listersOf(before, id)
    if (listers !== null) add(knownAt, addressOf(instance), { id, listers })
  }
  const listedAt = new Map<string, Candidate[]>()
  for (const of of listings) {
    for (const [id, listed] of of.listing) add(listedAt, addressOf(listed.instance), { ...listed, id, of })
  }
  const merged = { listing: new Map<string, Listed>(), listers: new Map<string, Listers>() }
  for (const [address, candidates] of listedAt) mergeAddress(candidates, knownAt.get(address) ?? [], merged)
  return merged
}

function weightedListing({ weightPercent, listing }: WeightedListing): Listing {
  if (weightPercent === 100) return listing
  return new Map(
    [...listing].map(([id, { instance, word }]) => [id, { instance: weighted(instance, weightPercent), word }]),
  )
}

function mergeAddress(
  candidates: readonly Candidate[],
  known: readonly Known[],
  merged: { readonly listing: Map<string, Listed>; readonly listers: Map<string, Listers> },
): void {
  const winner = candidates.reduce((best, candidate) => (rank(candidate) < rank(best) ? candidate : best)).of
  const winners = candidates.filter(({ of }) => of === winner)
  const ids = candidates.map(({ id }) => id)
  const sources = [...new Set(candidates.map(({ of }) => of.source))]
  const isTaken = (id: string) => merged.listing.has(id) || winners.some((other) => other.id === id)
  const kept = known.find(({ id, listers }) => {
    const goesOn = listers.ids.some((one) => ids.includes(one))
    return !isTaken(id) && (goesOn || !listers.sources.includes(winner.source))
  })
  const isKnown = ({ id }: Candidate) => known.some((other) => other.id === id)
  const heir = kept === undefined ? undefined : winners.find((candidate) => !isKnown(candidate))
  for (const candidate of winners) {
    const { instance, word } = candidate
    const id = candidate === heir && kept !== undefined ? kept.id : candidate.id
    merged.listing.set(id, { instance: weighted(instance, winner.weightPercent), word })
    merged.listers.set(id, { sources, ids })
  }
}

/** The least wins, of equals the first. */
function rank({ word, of }: Candidate): number {
  if (word === 'critical') return 4
  return (of.weightPercent === 0 ? 2 : 0) + (word === 'held' ? 1 : 0)
}

function weighted(instance: Instance, percent: number): Instance {
  return percent === 100 ? instance : Object.freeze({ ...instance, weight: (instance.weight * percent) / 100 })
}

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}
