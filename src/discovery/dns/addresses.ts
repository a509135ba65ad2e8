import { isIPv4, isIPv6 } from 'node:net'
import type { DnsClient } from './client.ts'
import { find, type Found } from './find.ts'
import { inOrder, instanceOf, type Listing } from './listing.ts'

type Family = Found<'A'> | Found<'AAAA'>

/**
 * An instance for each address of a name. When only one of A and AAAA can be had, the addresses known of the other family stay.
 * @param known the addresses of the listing before
 */
export async function listAddresses(
  client: DnsClient,
  { name, port }: { readonly name: string; readonly port: number },
  known: readonly string[],
  signal: AbortSignal,
): Promise<Listing> {
  const [v4, v6] = await Promise.allSettled([
    find(client, { name, type: 'A' }, signal),
    find(client, { name, type: 'AAAA' }, signal),
  ])
  const addresses = new Set([
    ...(v4.status === 'fulfilled' ? addressesIn(v4.value) : known.filter((address) => isIPv4(address))),
    ...(v6.status === 'fulfilled' ? addressesIn(v6.value) : known.filter((address) => isIPv6(address))),
  ])
  const families: readonly Family[] = [v4, v6].flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const failure = [v4, v6].find((each) => each.status === 'rejected')
  // Nobody of one family, and no word of the other, is not the word that there is nobody.
  if (failure !== undefined && (families.length === 0 || addresses.size === 0)) throw failure.reason
  const withRecords = families.filter(({ records }) => records.length > 0)
  const telling = withRecords.length > 0 ? withRecords : families
  return {
    instances: inOrder([...addresses].map((host) => instanceOf({ host, hostName: name, port }))),
    skipped: [],
    ttlSeconds: Math.min(...telling.map(({ ttlSeconds }) => ttlSeconds)),
    isNegative: addresses.size === 0,
  }
}

function addressesIn({ records }: Family): readonly string[] {
  return records.map(({ address }) => address)
}
