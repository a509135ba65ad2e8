import type { Instance } from '../../../core/instance.ts'
import { toHost } from '../../host-name.ts'

/** What a value may say of an instance. */
export interface Said {
  readonly id: string
  /** `host:port`; with `port` the host alone is enough. */
  readonly address: string
  readonly port?: number | undefined
  readonly weight?: number | undefined
  readonly zone?: string | undefined
  readonly version?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly meta?: Readonly<Record<string, string>>
}

const noTags: readonly string[] = []

/** The instance, or why it can't be one. Zone and version are those of the metadata where the value has no word of its own for them. */
export function toInstance(said: Said): Instance | string {
  const { id, address, weight = 1, tags = noTags, meta = {} } = said
  const [hostText, portText] = said.port === undefined ? splitAddress(address) : [address, String(said.port)]
  if (hostText === '') return 'it has no address'
  const host = toHost(hostText)
  if (host === null) return `${shown(hostText)} is neither an address nor a host name`
  if (portText === '') return `${shown(address)} has no port`
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0
  if (port < 1 || port > 65535) return `port ${shown(portText)} is not between 1 and 65535`
  const zone = said.zone ?? meta.zone ?? ''
  const version = said.version ?? meta.version ?? ''
  return Object.freeze({ id, node: '', host, port, weight, zone, version, tags, meta, status: 'passing' })
}

/** An IPv6 address with a port is in brackets; without them it is all host. */
function splitAddress(address: string): readonly [host: string, port: string] {
  const colon = address.lastIndexOf(':')
  const isBareIpv6 = address.indexOf(':') !== colon && !address.startsWith('[')
  if (colon === -1 || isBareIpv6 || address.endsWith(']')) return [address, '']
  return [address.slice(0, colon), address.slice(colon + 1)]
}

const shownChars = 100

/** Values are anybody's: as JSON no control character of theirs reaches a log. */
export function shown(text: string): string {
  return JSON.stringify(text.length > shownChars ? `${text.slice(0, shownChars)}…` : text)
}
