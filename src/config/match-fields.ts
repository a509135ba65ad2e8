import { domainToASCII } from 'node:url'
import { normalizeHost } from '../util/host.ts'
import { normalizePath } from '../util/path.ts'
import { InvalidValue } from './invalid-value.ts'

// RFC 9110 section 5.6.2.
export const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** An exact host or `*.example.com`; lower case. */
export function parseHostPattern(text: string): string {
  if (text === '*') throw new InvalidValue('"*" is no host', 'leave `host` out to match any')
  const isWildcard = text.startsWith('*.')
  const bare = isWildcard ? text.slice(2) : text
  if (bare.includes('*')) {
    throw new InvalidValue('a wildcard stands for whole labels at the front', 'write it as "*.example.com"')
  }
  const host = normalizeHost(bare)
  if (host !== null && !hasPort(bare)) return isWildcard ? `*.${host}` : host
  if (host !== null) throw new InvalidValue('a host has no port', 'leave the port out')
  const ascii = domainToASCII(bare)
  // oxlint-disable-next-line no-control-regex -- ASCII is what it is about
  const isForeign = /[^\x00-\x7f]/.test(bare) && ascii !== ''
  throw new InvalidValue(`${JSON.stringify(text)} is no host name`, isForeign ? `write "${ascii}"` : undefined)
}

function hasPort(host: string): boolean {
  return host.startsWith('[') ? !host.endsWith(']') : host.includes(':')
}

/** A path prefix as requests are matched against it: it starts with `/` and is in normal form. */
export function parsePathPrefix(text: string): string {
  if (!text.startsWith('/')) throw new InvalidValue('must start with "/"', `write ${JSON.stringify(`/${text}`)}`)
  if (/[?#]/.test(text))
    throw new InvalidValue('a path has no query and no fragment', 'leave "?" or "#" and the rest out')
  const normal = normalizePath(text)
  if (normal === text) return text
  if (normal !== null) {
    throw new InvalidValue('dot segments are resolved before matching: this would never match', `write "${normal}"`)
  }
  throw new InvalidValue(
    'no request has such a path',
    'write visible ASCII, anything else as %XX, without backslashes, %00 and dot segments behind %2f or %5c',
  )
}

/** A method as it is compared with requests; upper case. */
export function parseMethod(text: string): string {
  const method = text.toUpperCase()
  if (!token.test(method))
    throw new InvalidValue(`${JSON.stringify(text)} is no method`, 'write one such as GET or POST')
  if (method === 'CONNECT' || method === 'TRACE') throw new InvalidValue(`${method} is never served`)
  return method
}

/** A field name as it is compared with requests; lower case. */
export function parseFieldName(text: string): string {
  if (!token.test(text)) throw new InvalidValue(`${JSON.stringify(text)} is no header name`)
  const name = text.toLowerCase()
  if (name === 'host')
    throw new InvalidValue('the Host field is matched by `host`', 'write `host: example.com` instead')
  return name
}

/** A field value (RFC 9110 section 5.5): requests arrive without the blanks around it. */
export function parseFieldValue(text: string): string {
  if (/^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/.test(text)) return text
  throw new InvalidValue('no header field has such a value', 'write it without blanks around it and control characters')
}
