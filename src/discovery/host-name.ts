import { isIP } from 'node:net'

// RFC 1123 section 2.1, and the underscore that Docker Compose and SRV-style names use.
const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const hostName = new RegExp(`^${label}(?:\\.${label})*\\.?$`, 'i')

/**
 * An address or host name as it goes into an Instance: brackets around an IPv6 address taken off; null when the text is neither,
 * so that nothing else (a URL, a line break) can reach a socket or a header.
 */
export function toHost(text: string): string | null {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  if (isIP(bare) !== 0) return bare
  return text.length <= 254 && hostName.test(text) ? text.toLowerCase() : null
}
