import type { Instance } from '../core/instance.ts'
import { addressOf } from './identity.ts'
import type { Listed, Listing } from './listing.ts'

export interface WeightedListing {
  /** Name of the source. */
  readonly source: string
  readonly weightPercent: number
  readonly listing: Listing
}

/** An endpoint of a service, whoever lists it. */
export interface Merged extends Listed {
  /** Names of the sources that list its address, in the service's order. */
  readonly sources: readonly string[]
  /** The ids under which they do. */
  readonly ids: readonly string[]
}

/** By endpoint id. */
export type MergedList = ReadonlyMap<string, Merged>

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
export function merge(listings: readonly WeightedListing[], before: MergedList): MergedList {
  const [only] = listings
  const alone = listings.length === 1 && only !== undefined ? mergeAlone(only, before) : null
  if (alone !== null) return alone
  const knownAt = new Map<string, [id: string, merged: Merged][]>()
  for (const entry of before) add(knownAt, addressOf(entry[1].instance), entry)
  const listedAt = new Map<string, Candidate[]>()
  for (const of of listings) {
    for (const [id, listed] of of.listing) add(listedAt, addressOf(listed.instance), { ...listed, id, of })
  }
  const merged = new Map<string, Merged>()
  for (const [address, candidates] of listedAt) {
    mergeAddress(candidates, knownAt.get(address) ?? [], merged)
  }
  return merged
}

/** Null where an endpoint may have its id from another source. */
function mergeAlone({ source, weightPercent, listing }: WeightedListing, before: MergedList): MergedList | null {
  for (const [id, { sources, ids }] of before) {
    if (sources.length !== 1 || sources[0] !== source || ids[0] !== id) return null
  }
  const sources = [source]
  const merged = new Map<string, Merged>()
  for (const [id, { instance, word }] of listing) {
    merged.set(id, { instance: weighted(instance, weightPercent), word, sources, ids: [id] })
  }
  return merged
}

function mergeAddress(
  candidates: readonly Candidate[],
  known: readonly (readonly [id: string, merged: Merged])[],
  merged: Map<string, Merged>,
): void {
  const winner = candidates.reduce((best, candidate) => (rank(candidate) < rank(best) ? candidate : best)).of
  const winners = candidates.filter(({ of }) => of === winner)
  const ids = candidates.map(({ id }) => id)
  const sources = [...new Set(candidates.map(({ of }) => of.source))]
  const isTaken = (id: string) => merged.has(id) || winners.some((other) => other.id === id)
  const kept = known.find(([id, { sources: listers, ids: was }]) => {
    const goesOn = was.some((one) => ids.includes(one))
    return !isTaken(id) && (goesOn || !listers.includes(winner.source))
  })
  const isKnown = ({ id }: Candidate) => known.some(([other]) => other === id)
  const heir = kept === undefined ? undefined : winners.find((candidate) => !isKnown(candidate))
  for (const candidate of winners) {
    const { instance, word } = candidate
    const id = candidate === heir && kept !== undefined ? kept[0] : candidate.id
    merged.set(id, { instance: weighted(instance, winner.weightPercent), word, sources, ids })
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
