import { isIPv4, isIPv6 } from 'node:net'
import type { AddressRecord, Dns } from './dns.ts'

export interface Found {
  /** At least one; sorted, so that a name server that rotates its answers changes nothing. */
  readonly addresses: readonly string[]
  /** For how long they hold. */
  readonly holdsMs: number
}

export const systemHoldsMs = 30_000
const minHoldsMs = 1000
const maxHoldsMs = 5 * 60_000

/**
 * All addresses of a host name. A name without a dot or in the hosts file is the system's business; any other is asked for in the
 * DNS, for its TTL, and then of the system, which knows search domains. When only one of A and AAAA can be had, the addresses known
 * of the other family stay. Rejects when there is none.
 */
export async function lookUp(dns: Dns, name: string, known: readonly string[]): Promise<Found> {
  const isSystems = !name.includes('.') || (await dns.hostsFile()).has(name)
  if (!isSystems) {
    const [v4, v6] = await Promise.all([family(dns.resolve4(name)), family(dns.resolve6(name))])
    const addresses = [
      ...(v4?.map(({ address }) => address) ?? known.filter((address) => isIPv4(address))),
      ...(v6?.map(({ address }) => address) ?? known.filter((address) => isIPv6(address))),
    ]
    const seconds = Math.min(...[...(v4 ?? []), ...(v6 ?? [])].map(({ ttl }) => ttl))
    // Infinite when neither family answered with an address.
    if (Number.isFinite(seconds)) return { addresses: unique(addresses), holdsMs: bounded(seconds * 1000) }
  }
  return { addresses: unique(await dns.lookup(name)), holdsMs: systemHoldsMs }
}

/** The records of one family; none when the DNS says so, null when it could not be asked. */
async function family(records: Promise<readonly AddressRecord[]>): Promise<readonly AddressRecord[] | null> {
  try {
    return await records
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    return code === 'ENODATA' || code === 'ENOTFOUND' ? [] : null
  }
}

function unique(addresses: readonly string[]): readonly string[] {
  if (addresses.length === 0) throw new Error('it has no address')
  return [...new Set(addresses)].toSorted()
}

function bounded(ms: number): number {
  return Math.min(maxHoldsMs, Math.max(minHoldsMs, ms))
}
