import { deflateSync } from 'node:zlib'
import type { Registration } from '../registration.ts'

const maxStringBytes = 255
/** RFC 6763 section 6.4: printable ASCII but for `=`. */
const key = /^[\x20-\x3c\x3e-\x7e]+$/

/** Of a TXT record: `key=value` each, tags with commas (RFC 6763 section 6). What does not fit is left out. */
export function pairsText(registration: Registration): string[] {
  const strings = pairsOf(registration)
    .filter(fits)
    .map(([name, value]) => `${name}=${value}`)
  // Section 6.1: a record has one string at least.
  return strings.length === 0 ? [''] : strings
}

/** The keys of pairs that do not fit into a TXT record. */
export function leftOut(registration: Registration): readonly string[] {
  return pairsOf(registration)
    .filter((pair) => !fits(pair))
    .map(([name]) => name)
}

/** As go-micro packs it: JSON, by zlib, in hex, in strings of 255 (its `registry/mdns_registry.go`). */
export function goMicroText(registration: Registration): string[] {
  const { name, meta } = registration
  const Metadata = Object.fromEntries(pairsOf(registration))
  const json = JSON.stringify({ Metadata, Service: name, Version: meta.version ?? '', Endpoints: null })
  return (
    deflateSync(json)
      .toString('hex')
      .match(/.{1,255}/g) ?? []
  )
}

function pairsOf({ meta, tags }: Registration): readonly (readonly [key: string, value: string])[] {
  return Object.entries(tags.length === 0 ? meta : { tags: tags.join(','), ...meta })
}

function fits([name, value]: readonly [key: string, value: string]): boolean {
  return key.test(name) && Buffer.byteLength(name) + 1 + Buffer.byteLength(value) <= maxStringBytes
}
