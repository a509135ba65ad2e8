import type { Instance } from '../core/instance.ts'
import type { EndpointCell } from '../core/endpoint-cell.ts'
import { isSameEndpoint } from '../core/same-endpoint.ts'
import type { PublishedEndpoint, RegistryWord } from '../core/snapshot.ts'
import type { Listing } from './listing.ts'

/** What the control plane keeps of an endpoint, from the answer that first listed it until its last exchange is done. */
export interface EndpointRecord {
  /** As last listed; for a held or absent endpoint as it was while it was served. */
  readonly instance: Instance
  readonly published: PublishedEndpoint
  readonly cell: EndpointCell
}

export type Records = ReadonlyMap<string, EndpointRecord>

/** One endpoint whose published values differ; `before` is null for a new one. */
export interface Change {
  readonly before: EndpointRecord | null
  readonly after: EndpointRecord
}

export interface Membership {
  /** By endpoint id: those before in their order, then the new ones in the registry's. */
  readonly records: Records
  readonly changes: readonly Change[]
}

export interface Row {
  readonly slot: number
  readonly cell: EndpointCell
}

/** What is known of an endpoint besides the registry's word. */
export interface Standing {
  /** By command: no new requests. */
  readonly drained: boolean
  /** Our health checks fail. */
  readonly unhealthy: boolean
}

export type StandingOf = (id: string) => Standing

/**
 * What becomes of a service's endpoints under a new list: listed ones are kept or added, those that are neither listed nor
 * held stay as `absent`, draining, until they are dropped.
 *
 * @param listing by endpoint id, with those that are held in spite of the list
 * @param slots.allot gives a new endpoint its row in the Ledger
 */
export function reconcile(
  before: Records,
  listing: Listing,
  { allot, standingOf }: { readonly allot: () => Row; readonly standingOf: StandingOf },
): Membership {
  const records = new Map<string, EndpointRecord>()
  const changes: Change[] = []
  for (const [id, record] of before) {
    const { instance, word } = listing.get(id) ?? { instance: record.instance, word: 'absent' }
    const after = worded(record, instance, word, standingOf(id))
    records.set(id, after)
    if (after.published !== record.published) changes.push({ before: record, after })
  }
  for (const [id, { instance, word }] of listing) {
    if (records.has(id)) continue
    const { slot, cell } = allot()
    const after = { instance, cell, published: publishedOf(id, slot, instance, word, standingOf(id)) }
    records.set(id, after)
    changes.push({ before: null, after })
  }
  return { records, changes }
}

/** The same endpoints, as they stand now; null when none stands differently. */
export function restand(before: Records, standingOf: StandingOf): Membership | null {
  const changes: Change[] = []
  for (const [id, record] of before) {
    const after = worded(record, record.instance, record.published.registry, standingOf(id))
    if (after !== record) changes.push({ before: record, after })
  }
  if (changes.length === 0) return null
  const records = new Map(before)
  for (const { after } of changes) records.set(after.published.id, after)
  return { records, changes }
}

/** Takes out absent endpoints whose last exchange is done. */
export function dropIdle(records: Records): { records: Records; dropped: readonly EndpointRecord[] } {
  const dropped: EndpointRecord[] = []
  for (const record of records.values()) {
    if (record.published.registry === 'absent' && record.cell.inflight() === 0) dropped.push(record)
  }
  if (dropped.length === 0) return { records, dropped }
  const left = new Map(records)
  for (const { published } of dropped) left.delete(published.id)
  return { records: left, dropped }
}

/** The same record when nothing that crosses to the data threads differs, but for what only the control plane keeps. */
function worded(record: EndpointRecord, instance: Instance, word: RegistryWord, standing: Standing): EndpointRecord {
  const { published, cell } = record
  const isAsBefore = instance === record.instance && word === published.registry
  if (isAsBefore && standing.unhealthy === published.unhealthy && drains(word, standing) === published.draining)
    return record
  const after = publishedOf(published.id, published.slot, instance, word, standing)
  if (!isSameEndpoint(published, after)) return { instance, published: after, cell }
  return instance === record.instance ? record : { instance, published, cell }
}

function publishedOf(
  id: string,
  slot: number,
  instance: Instance,
  registry: RegistryWord,
  standing: Standing,
): PublishedEndpoint {
  const { host, hostName = null, port, weight, zone, tier = 0, version } = instance
  const draining = drains(registry, standing)
  const { unhealthy } = standing
  return { id, slot, host, hostName, port, weight, zone, tier, version, registry, draining, unhealthy }
}

function drains(registry: RegistryWord, { drained }: Standing): boolean {
  return drained || registry === 'absent' || registry === 'maintenance'
}
