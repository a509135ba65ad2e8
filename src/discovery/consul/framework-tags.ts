import { inflateSync } from 'node:zlib'

/** What tags say of an instance beyond being tags. */
export interface TagReading {
  /** The tags as they were, without those whose meaning is in the other fields and that nobody can read. */
  readonly tags: readonly string[]
  /** Null where no tag says one. */
  readonly version: string | null
  readonly meta: Readonly<Record<string, string>>
  /** One sentence for each tag that can't be read. */
  readonly problems: readonly string[]
}

// What go-micro packs is a name, a pair or the description of an endpoint; a tag that unpacks to more was made to do harm.
const maxTagChars = 32 * 1024
const maxInflatedBytes = 64 * 1024
const shownTagChars = 40

/** The start of a zlib stream (RFC 1950 section 2.2), without which a tag such as `e-commerce` is just a tag. */
const packedTag = /^[vte]-78(?:01|5e|9c|da)/

/**
 * Reads the tags of one answer of the registry. Its instances mostly have the same ones, each of which is unpacked once.
 *
 * go-micro (`registry/consul/encoding.go`, the same from v2 to v6) has `v-` the version, `t-` a pair of metadata and `e-` an
 * endpoint, as hex of zlib; before that plain `v=`, `t={…}`, `e={…}`. Of metadata the form that comes first counts. Endpoints
 * say nothing that a gateway needs: they are left out unread. Kratos has `version=`.
 */
export class TagReader {
  readonly #routeTags: string | null
  readonly #unpacked = new Map<string, string | null>()

  /** @param routeTags see readInstances */
  constructor(routeTags: string | null = null) {
    this.#routeTags = routeTags
  }

  read(written: readonly string[], datacenter = ''): TagReading {
    const tags = this.#inDatacenter(written, datacenter)
    const kept: string[] = []
    const problems: string[] = []
    const meta: Record<string, string> = {}
    let version: string | null = null
    let kratosVersion: string | null = null
    let metaForm = ''
    for (const tag of tags) {
      const isPacked = packedTag.test(tag)
      if (!isPacked) kept.push(tag)
      if (tag.startsWith('version=')) kratosVersion ??= tag.slice('version='.length)
      if (!isPacked && !/^(?:v=|t=\{)/.test(tag)) continue
      const kind = tag.charAt(0)
      if (kind === 'e') continue
      const form = tag.charAt(1)
      if (kind === 't' && metaForm !== '' && metaForm !== form) continue
      const text = form === '-' ? this.#unpack(tag) : tag.slice(2)
      const pairs = kind === 't' && text !== null ? pairsOf(text) : null
      if (text === null || (kind === 't' && pairs === null)) {
        problems.push(`its tag ${shown(tag)} can't be read and is left out`)
        continue
      }
      if (kind === 'v') version ??= text
      metaForm ||= kind === 't' ? form : ''
      Object.assign(meta, pairs)
    }
    return { tags: kept.length === tags.length ? tags : kept, version: version ?? kratosVersion, meta, problems }
  }

  /** As Fabio has it: https://fabiolb.net/feature/ */
  #inDatacenter(tags: readonly string[], datacenter: string): readonly string[] {
    const prefix = this.#routeTags
    if (prefix === null || !tags.some((tag) => tag.includes('$'))) return tags
    const filled = (tag: string) => tag.replaceAll(/\$DC\b|\$\{DC\}/g, () => datacenter)
    return tags.map((tag) => (tag.startsWith(prefix) ? filled(tag) : tag))
  }

  #unpack(tag: string): string | null {
    let text = this.#unpacked.get(tag)
    if (text !== undefined) return text
    text = inflated(tag.slice(2))
    this.#unpacked.set(tag, text)
    return text
  }
}

/** Null when it is no hex of zlib of UTF-8, or too large. */
function inflated(hex: string): string | null {
  if (hex.length > maxTagChars || hex.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(hex)) return null
  try {
    const bytes = inflateSync(Buffer.from(hex, 'hex'), { maxOutputLength: maxInflatedBytes })
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** Null when it is not an object of strings. */
function pairsOf(json: string): Record<string, string> | null {
  try {
    const value: unknown = JSON.parse(json)
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isMap && Object.values(value).every((inner) => typeof inner === 'string')
      ? Object.fromEntries(Object.entries(value as Record<string, string>))
      : null
  } catch {
    return null
  }
}

function shown(tag: string): string {
  return JSON.stringify(tag.length > shownTagChars ? `${tag.slice(0, shownTagChars)}…` : tag)
}
