import type { IncomingMessage } from 'node:http'
import { ApiError } from '../api-error.ts'
import { isLoopbackHost } from '../loopback.ts'

/**
 * Keeps web pages away from a registry that has no passwords. A page of another origin cannot change anything (browsers name an
 * `Origin` with every write), and one that had its own name point here (DNS rebinding) cannot read either.
 */
export function refuseBrowsers(request: IncomingMessage, isOnLoopback: boolean): void {
  if (request.method !== 'GET' && request.headers.origin !== undefined) {
    throw new ApiError(403, 'Requests from web pages may not change this registry (they carry an Origin header)')
  }
  if (!isOnLoopback) return
  // RFC 9113 section 8.3.1: a request of HTTP/2 has an authority in its place.
  const host = request.headers.host ?? String(request.headers[':authority'] ?? '')
  // Whatever precedes the port; an IPv6 address is in brackets.
  const name = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host)
  if (name && isLoopbackHost(name[1] ?? name[2] ?? '')) return
  throw new ApiError(
    403,
    `This registry answers only to loopback names and addresses, not to Host ${JSON.stringify(host)}`,
  )
}
