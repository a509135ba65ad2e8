import { isIP } from 'node:net'
import type { ResponsePacket } from 'multicast-dns'

/** One record of a response. */
export interface Heard<Content> {
  /** In its own case, without a final dot. */
  readonly name: string
  /** The same to compare by, see `nameKey`. */
  readonly key: string
  readonly content: Content
  readonly ttlMs: number
  /** Records of the same name and type that were heard before are no longer true (RFC 6762 section 10.2). */
  readonly isFlush: boolean
}

export interface Location {
  readonly weight: number
  readonly port: number
  /** Host name, in its own case. */
  readonly target: string
}

/** What of one message matters here. */
export interface Response {
  /** Key of the interface it came in on. */
  readonly wire: string
  /** It was sent by this machine. */
  readonly isOwn: boolean
  /** PTR: a service's instance. */
  readonly pointers: readonly Heard<string>[]
  /** SRV. */
  readonly locations: readonly Heard<Location>[]
  /** TXT. */
  readonly texts: readonly Heard<readonly Buffer[]>[]
  /** A and AAAA. */
  readonly addresses: readonly Heard<string>[]
}

/** Null for what is broken or has to be ignored: opcodes and response codes other than 0 (RFC 6762 sections 18.3 and 18.11). */
export function readResponse(packet: ResponsePacket, origin: Pick<Response, 'wire' | 'isOwn'>): Response | null {
  const { opcode, rcode } = packet as ResponsePacket & { readonly opcode: string; readonly rcode: string }
  if (opcode !== 'QUERY' || rcode !== 'NOERROR') return null
  const pointers: Heard<string>[] = []
  const locations: Heard<Location>[] = []
  const texts: Heard<readonly Buffer[]>[] = []
  const addresses: Heard<string>[] = []
  for (const record of [...(packet.answers ?? []), ...(packet.additionals ?? [])]) {
    if (record.type === 'OPT' || !('data' in record) || record.class !== 'IN') continue
    const { name, ttl = 0, flush: isFlush = false } = record
    const rest = { name, key: nameKey(name), ttlMs: ttl * 1000, isFlush }
    if (record.type === 'PTR') pointers.push({ ...rest, content: record.data })
    else if (record.type === 'A' || record.type === 'AAAA') {
      // The decoder does not see that a message stops short within an address.
      if (isIP(record.data) === 0) return null
      addresses.push({ ...rest, content: record.data })
    } else if (record.type === 'TXT') texts.push({ ...rest, content: record.data as Buffer[] })
    else if (record.type === 'SRV') {
      const { weight = 0, port, target } = record.data
      locations.push({ ...rest, content: { weight, port, target } })
    }
  }
  return { ...origin, pointers, locations, texts, addresses }
}

/** How names are compared: without regard to the case of A to Z (RFC 6762 section 16). */
export function nameKey(name: string): string {
  return name.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
