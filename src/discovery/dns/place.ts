import { DiscoveryError } from '../contract.ts'
import { toHost } from '../host-name.ts'
import type { DnsOptions } from './options.ts'

/** Whom to ask for a service. */
export interface Place {
  readonly name: string
  /** Null for SRV records, which say it. */
  readonly port: number | null
}

/**
 * `web` of the domain `service.consul` is `web.service.consul`; `web.example.com.` is what it says. For A records the name may
 * end with a port, `web:8080`.
 * @throws DiscoveryError when that is no name, or has no port where it needs one; the configuration's checks find that before
 */
export function placeOf(service: string, { record, domain, port }: DnsOptions): Place {
  const [, bare = service, ownPort] = (record === 'a' ? /^(.*):(\d{1,5})$/.exec(service) : null) ?? []
  const full = bare.endsWith('.') || domain === null ? bare : `${bare}.${domain}`
  const name = toHost(full)?.replace(/\.$/, '')
  if (name === undefined) throw unaskable(service, 'it is not a host name')
  if (record === 'srv') return { name, port: null }
  const askedPort = ownPort === undefined ? port : Number(ownPort)
  if (askedPort === null) throw unaskable(service, 'A records say no port: write it as "name:8080", or set `port`')
  return { name, port: askedPort }
}

function unaskable(service: string, reason: string): DiscoveryError {
  return new DiscoveryError('unreadable', `The DNS can't be asked for ${JSON.stringify(service)}: ${reason}`)
}
