import { isLoopbackHost } from '../loopback.ts'
import type { Service } from '../model.ts'
import { ApiError } from '../api-error.ts'
import type { CheckDefinition } from './definition.ts'
import { splitHostPort } from './host-port.ts'

/**
 * Refuses a check that would make this registry connect to a third party: it must look at one of the service's own addresses or at this
 * machine's loopback. Redirects are not followed for the same reason.
 */
export function refuseForeignProbe(probe: CheckDefinition['probe'], service: Service | null): void {
  if (probe?.type === 'http') return refuseForeign(urlOf(probe.url), service)
  if (probe?.type === 'tcp' || probe?.type === 'grpc')
    return refuseForeign(addressOf(probe.type, probe.address), service)
}

function urlOf(text: string): URL {
  const url = URL.parse(text)
  if (url && ['http:', 'https:'].includes(url.protocol)) return url
  throw new ApiError(400, `Invalid check: HTTP must be an http or https URL, not ${JSON.stringify(text)}`)
}

function addressOf(type: 'tcp' | 'grpc', text: string): URL {
  const url = splitHostPort(text) ? URL.parse(`tcp://${text}`) : null
  if (url) return url
  throw new ApiError(400, `Invalid check: ${type.toUpperCase()} must be host:port, not ${JSON.stringify(text)}`)
}

function refuseForeign(url: URL, service: Service | null): void {
  const host = canonicalHost(url.hostname.replace(/^\[|\]$/g, ''))
  const own = service
    ? [service.address, ...Object.values(service.taggedAddresses).map((tagged) => tagged.address)].map(canonicalHost)
    : []
  if (isLoopbackHost(host) || own.includes(host)) return
  throw new ApiError(
    400,
    `Invalid check: this registry checks only the service's own address and loopback, and ${url.host} is neither`,
  )
}

/** The spelling that `URL` gives an address or a name, so that `::0001` and `::1` are the same. */
function canonicalHost(address: string): string {
  const parsed = URL.parse(`http://${address.includes(':') ? `[${address}]` : address}/`)
  return parsed ? parsed.hostname.replace(/^\[|\]$/g, '') : ''
}
