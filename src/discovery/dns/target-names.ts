import { systemDns, type AddressRecord, type Dns } from '../names/dns.ts'
import type { DnsClient } from './client.ts'
import { find } from './find.ts'

/** Host names in SRV records: asked for at the source's servers, and of the system where those know nothing. */
export function targetNames(client: DnsClient, signal: AbortSignal): Dns {
  const addressesOf = async (name: string, type: 'A' | 'AAAA'): Promise<readonly AddressRecord[]> => {
    const { records, ttlSeconds } = await find(client, { name, type }, signal)
    if (records.length === 0) throw Object.assign(new Error(`${name} has no ${type} record`), { code: 'ENODATA' })
    return records.map(({ address }) => ({ address, ttl: ttlSeconds }))
  }
  return {
    ...systemDns(),
    resolve4: async (name) => addressesOf(name, 'A'),
    resolve6: async (name) => addressesOf(name, 'AAAA'),
  }
}
