import { isIPv6 } from 'node:net'

const dot = 0x2e
const colon = 0x3a

/**
 * The host of a `Host` field or of an authority: lower case, without port, without a final dot; null when the value is not
 * `host [":" port]` (RFC 9110 section 7.2) and the request has to be refused (400).
 *
 * Stricter than RFC 3986 section 3.2.2: no `,` (a list to some), no `%` (decoded by some), no empty labels, no zone ids.
 * A port may be empty (section 3.2.3). A name that is lower case and without port comes back as the same string.
 */
export function normalizeHost(value: string): string | null {
  if (value.charCodeAt(0) === 0x5b) return normalizeIpv6(value)
  let end = value.length
  let labelStart = 0
  let hasUpperCase = false
  for (let i = 0; i < end; i++) {
    const code = value.charCodeAt(i)
    if (code === dot) {
      if (i === labelStart) return null
      labelStart = i + 1
    } else if (code === colon) {
      if (!isPort(value, i + 1)) return null
      end = i
    } else if (code >= 0x41 && code <= 0x5a) hasUpperCase = true
    else if (!isNameCharacter(code)) return null
  }
  if (end > 0 && labelStart === end) end--
  if (end === 0) return null
  const host = end === value.length ? value : value.slice(0, end)
  return hasUpperCase ? host.toLowerCase() : host
}

function normalizeIpv6(value: string): string | null {
  const end = value.indexOf(']') + 1
  if (end === 0) return null
  const address = value.slice(1, end - 1)
  if (address.includes('%') || !isIPv6(address)) return null
  if (end < value.length && (value.charCodeAt(end) !== colon || !isPort(value, end + 1))) return null
  return value.slice(0, end).toLowerCase()
}

/** Lower-case letters, digits, `-`, and the rest of what a reg-name may hold. */
function isNameCharacter(code: number): boolean {
  if ((code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d) return true
  return code < 0x7f && "_~!$&'()*+;=".includes(String.fromCharCode(code))
}

function isPort(value: string, from: number): boolean {
  let port = 0
  for (let i = from; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return false
    port = port * 10 + digit
    if (port > 65535) return false
  }
  return true
}
