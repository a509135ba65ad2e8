import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv6 } from 'node:net'
import { normalizeHost } from '../util/host.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** @param address without brackets */
export function isLoopbackAddress(address: string): boolean {
  return loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/**
 * Whether a `Host` field can only mean this machine. A page whose name an attacker points at 127.0.0.1 (DNS rebinding) has
 * a browser send that name. `localhost` and names under it never leave the machine (RFC 6761 section 6.3).
 */
export function isLoopbackHost(field: string | undefined): boolean {
  const host = normalizeHost(field ?? '')
  if (host === null) return false
  if (host === 'localhost' || host.endsWith('.localhost')) return true
  return isLoopbackAddress(host.startsWith('[') ? host.slice(1, -1) : host)
}

/** Whether a request brings the token, `Authorization: Bearer` (RFC 6750 section 2.1); the time it takes tells nothing. */
export function bringsToken(request: IncomingMessage, token: string): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
  return given !== undefined && timingSafeEqual(digest(given), digest(token))
}

/** Of equal length, as timingSafeEqual wants it, whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
