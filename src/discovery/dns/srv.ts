import type { Instance } from '../../core/instance.ts'
import type { Answer } from '../contract.ts'
import { toHost } from '../host-name.ts'
import type { DnsClient } from './client.ts'
import { find, type Found } from './find.ts'
import { inOrder, instanceOf, type Listing } from './listing.ts'
import type { HostRecord, SrvRecord } from './message.ts'

/** The instances that the SRV records of a name list; those whose addresses did not come along have the target for their host. */
export async function listServers(
  client: DnsClient,
  service: string,
  name: string,
  signal: AbortSignal,
): Promise<Listing> {
  const found = await find(client, { name, type: 'SRV' }, signal)
  const addressesOf = addressesIn(found)
  const instances = new Map<string, readonly Instance[]>()
  const skipped: { service: string; entry: string; reason: string }[] = []
  let { ttlSeconds } = found
  // Where a server is listed twice, its better priority counts.
  for (const record of found.records.toSorted((one, other) => one.priority - other.priority)) {
    if (record.target === '.') continue
    const entry = `${record.target}:${record.port}`
    const reason = refusalOf(record)
    if (reason !== null) skipped.push({ service, entry, reason })
    else if (!instances.has(entry)) {
      const addresses = addressesOf.get(record.target) ?? []
      for (const address of addresses) ttlSeconds = Math.min(ttlSeconds, address.ttlSeconds)
      instances.set(entry, instancesOf(record, new Set(addresses.map(({ address }) => address))))
    }
  }
  const isNegative = found.records.length === 0
  return { instances: inOrder([...instances.values()].flat()), skipped, ttlSeconds, isNegative }
}

/**
 * Those of the lowest priority that has anybody. The further ones take over once that has nobody left who is listed and has an
 * address (RFC 2782): what the gateway itself sees of an instance does not count.
 */
export function ofLowestPriority({
  instances,
  unresolved = [],
}: Pick<Answer, 'instances' | 'unresolved'>): Pick<Answer, 'instances' | 'unresolved'> {
  const lowest = Math.min(...instances.map(priorityOf))
  const preferred = unresolved.filter((instance) => priorityOf(instance) <= lowest)
  return {
    instances: instances.filter((instance) => priorityOf(instance) === lowest),
    ...(preferred.length > 0 && { unresolved: preferred }),
  }
}

function priorityOf({ meta }: Instance): number {
  return Number(meta.priority ?? 0)
}

function refusalOf({ target, port }: SrvRecord): string | null {
  if (toHost(target) === null) return `${JSON.stringify(target)} is neither an address nor a host name`
  return port === 0 ? 'port 0 is not between 1 and 65535' : null
}

/** The addresses that came along, by the name they are of. */
function addressesIn({ additionals }: Found<'SRV'>): ReadonlyMap<string, readonly HostRecord[]> {
  const hosts = additionals.flatMap((record) => (record.type === 'A' || record.type === 'AAAA' ? [record] : []))
  return Map.groupBy(hosts, ({ name }) => name)
}

function instancesOf(record: SrvRecord, addresses: ReadonlySet<string>): readonly Instance[] {
  const { target, port } = record
  // By the drawing of RFC 2782 weight 0 among others is chosen as seldom as weight 1 would be; among its like, as often as each.
  const common = { port, weight: Math.max(1, record.weight), meta: { priority: String(record.priority) } }
  if (addresses.size === 0) return [instanceOf({ ...common, host: target })]
  return [...addresses].map((host) => instanceOf({ ...common, host, hostName: target }))
}
