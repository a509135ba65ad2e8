import { isLoopbackHost } from '../loopback.ts'
import type { Service } from '../model.ts'
import { ApiError } from '../api-error.ts'

/**
 * Refuses an HTTP check that would make this registry send requests to a third party: the URL must be of the service's own addresses
 * or of this machine's loopback. Redirects are not followed for the same reason.
 */
export function refuseForeignUrl(url: string, service: Service | null): void {
  const parsed = URL.parse(url)
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol)) {
    throw new ApiError(400, `Invalid check: HTTP must be an http or https URL, not ${JSON.stringify(url)}`)
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '')
  const own = service
    ? [service.address, ...Object.values(service.taggedAddresses).map((tagged) => tagged.address)].map(canonicalHost)
    : []
  if (isLoopbackHost(host) || own.includes(host)) return
  throw new ApiError(
    400,
    `Invalid check: this registry checks only the service's own address and loopback, and ${parsed.host} is neither`,
  )
}

/** The spelling that `URL` gives an address or a name, so that `::0001` and `::1` are the same. */
function canonicalHost(address: string): string {
  const parsed = URL.parse(`http://${address.includes(':') ? `[${address}]` : address}/`)
  return parsed ? parsed.hostname.replace(/^\[|\]$/g, '') : ''
}
