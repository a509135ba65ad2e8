import type { Instance } from '../core/instance.ts'
import type { EndpointCell } from '../core/endpoint-cell.ts'
import type { PublishedEndpoint, RegistryWord } from '../core/snapshot.ts'

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

/**
 * What becomes of a service's endpoints under a new list: listed ones are kept or added, those that are neither listed nor
 * held stay as `absent`, draining, until they are dropped.
 *
 * @param listed by endpoint id
 * @param held ids that are kept in spite of the list
 * @param allot gives a new endpoint its row in the Ledger
 */
export function reconcile(
  before: Records,
  listed: ReadonlyMap<string, Instance>,
  held: ReadonlySet<string>,
  allot: () => Row,
): Membership {
  const records = new Map<string, EndpointRecord>()
  const changes: Change[] = []
  for (const [id, record] of before) {
    const instance = listed.get(id)
    const after =
      instance === undefined || held.has(id)
        ? worded(record, record.instance, held.has(id) ? 'held' : 'absent')
        : worded(record, instance, instance.status)
    records.set(id, after)
    if (after.published !== record.published) changes.push({ before: record, after })
  }
  for (const [id, instance] of listed) {
    if (records.has(id)) continue
    const { slot, cell } = allot()
    const word = held.has(id) ? 'held' : instance.status
    const after = { instance, cell, published: publishedOf(id, slot, instance, word) }
    records.set(id, after)
    changes.push({ before: null, after })
  }
  return { records, changes }
}

/** Takes out absent endpoints whose last exchange is done. */
export function dropIdle(records: Records): { records: Records; dropped: readonly EndpointRecord[] } {
  const dropped = [...records.values()].filter(
    ({ published, cell }) => published.registry === 'absent' && cell.inflight() === 0,
  )
  if (dropped.length === 0) return { records, dropped }
  const left = new Map(records)
  for (const { published } of dropped) left.delete(published.id)
  return { records: left, dropped }
}

/** The same record when nothing that crosses to the data threads differs, but for what only the control plane keeps. */
function worded(record: EndpointRecord, instance: Instance, word: RegistryWord): EndpointRecord {
  const { published, cell } = record
  const { weight, zone, version, hostName = null } = instance
  const same =
    published.registry === word &&
    published.weight === weight &&
    published.zone === zone &&
    published.version === version &&
    published.hostName === hostName
  if (same) return instance === record.instance ? record : { instance, published, cell }
  return { instance, cell, published: publishedOf(published.id, published.slot, instance, word) }
}

function publishedOf(id: string, slot: number, instance: Instance, registry: RegistryWord): PublishedEndpoint {
  const { host, hostName = null, port, weight, zone, version } = instance
  const draining = registry === 'absent' || registry === 'maintenance'
  return { id, slot, host, hostName, port, weight, zone, version, registry, draining, unhealthy: false }
}
