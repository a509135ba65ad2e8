import { BlockList, isIP } from 'node:net'
import { InvalidValue } from './invalid-value.ts'

export interface Address {
  /** IP address without brackets, or host name in lower case. */
  readonly host: string
  readonly port: number
}

/** `0.0.0.0:8080`, `[::1]:8080`, `localhost:8080`; port 0 takes a free one. */
export function parseListenAddress(text: string): Address {
  return parseAddress(text, 0)
}

/** `10.0.0.7:9101`, `[::1]:9101`, `billing.internal:9101`. */
export function parseInstanceAddress(text: string): Address {
  return parseAddress(text, 1)
}

/** An IP address, with a port where it is not 53: `10.0.0.2`, `127.0.0.1:8600`, `[::1]:5353`. */
export function parseDnsServer(text: string): Address {
  if (isIP(text) !== 0) return { host: text.toLowerCase(), port: 53 }
  const { host, port } = isHostName(text) ? { host: text, port: 53 } : parseAddress(text, 1)
  if (isIP(host) !== 0) return { host, port }
  throw new InvalidValue(`${JSON.stringify(host)} is no IP address`, 'names of DNS servers are not looked up')
}

/** `service.consul`; dots around it are left out. */
export function parseDnsDomain(text: string): string {
  const bare = text.replaceAll(/^\.|\.$/g, '')
  if (isHostName(bare)) return bare.toLowerCase()
  throw new InvalidValue(`${JSON.stringify(text)} is no domain`, 'write one such as "service.consul"')
}

function parseAddress(text: string, minPort: number): Address {
  const found = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text)
  if (found === null) throw new InvalidValue(`expected host:port, got ${JSON.stringify(text)}`, wayOut(text))
  const host = found[1] ?? found[2] ?? ''
  const port = Number(found[3])
  const isHost = found[1] === undefined ? isIP(host) === 4 || isHostName(host) : isIP(host) === 6 && !host.includes('%')
  if (!isHost) throw new InvalidValue(`${JSON.stringify(host)} is neither an address nor a host name`, wayOut(text))
  if (port < minPort || port > 65535) throw new InvalidValue(`port ${found[3]} is not within ${minPort} and 65535`)
  return { host: host.toLowerCase(), port }
}

function wayOut(text: string): string | undefined {
  if (isIP(text) === 6) return `add a port: "[${text}]:8080"`
  const port = /^(?:\*|)?:?(\d{1,5})$/.exec(text)?.[1]
  if (port !== undefined) return `write "127.0.0.1:${port}", or "0.0.0.0:${port}" for every interface`
  if (/^https?:\/\//.test(text)) return 'leave the scheme and the path out'
  return isIP(text) === 4 || isHostName(text) ? `add a port: "${text}:8080"` : undefined
}

/** RFC 1123 section 2.1, and the underscore that Docker Compose names have; numbers alone would be a mistyped IPv4 address. */
export function isHostName(text: string): boolean {
  if (text.length > 253 || /^[\d.]*$/.test(text)) return false
  return text.split('.').every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label))
}

/** What a certificate can be for: a host name, lower case, or an IP address without brackets. */
export function parseServername(text: string): string {
  if (isIP(text) !== 0 || isHostName(text)) return text.toLowerCase()
  throw new InvalidValue(`${JSON.stringify(text)} is neither an address nor a host name`, wayOutOfName(text))
}

function wayOutOfName(text: string): string | undefined {
  return /:\d+$/.test(text) || text.includes('/') ? 'write the name alone, without scheme and port' : undefined
}

/** True for what only this machine can reach. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const loopback = new BlockList()
  loopback.addSubnet('127.0.0.0', 8, 'ipv4')
  loopback.addAddress('::1', 'ipv6')
  const version = isIP(host)
  return version !== 0 && loopback.check(host, version === 4 ? 'ipv4' : 'ipv6')
}

/** True when both can't be listened on at once. Port 0 never collides. */
export function collide(a: Address, b: Address): boolean {
  if (a.port === 0 || a.port !== b.port) return false
  return a.host === b.host || covers(a.host, b.host) || covers(b.host, a.host)
}

/** Whether listening on `host` takes the port on `other`, too; `::` takes IPv4 along on a dual-stack system. */
function covers(host: string, other: string): boolean {
  if (host === '::') return true
  return host === '0.0.0.0' && isIP(other) !== 6
}

/** An address or a network: `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`. */
export function parseNetwork(text: string): string {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0 || address.includes('%')) {
    throw new InvalidValue(`expected an address or a network such as 10.0.0.0/8, got ${JSON.stringify(text)}`)
  }
  const most = version === 4 ? 32 : 128
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > most)) {
    throw new InvalidValue(
      `the part after "/" has to be a number of bits from 0 to ${most}, got ${JSON.stringify(bits)}`,
    )
  }
  return text
}
