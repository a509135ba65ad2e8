import { inflateSync } from 'node:zlib'
import { z } from 'zod'

/** What an instance says of itself in its TXT record. */
export interface ServiceText {
  /** The service it says it belongs to; null where it does not say. */
  readonly service: string | null
  readonly version: string
  readonly meta: Readonly<Record<string, string>>
}

// Bounds on what one stranger can make us keep. A message has at most 9,000 bytes (RFC 6762 section 17), go-micro's up to 64 KiB.
const maxTextBytes = 32 * 1024
/** go-micro's JSON describes every method of the service: it packs ten to one. */
const maxInflatedBytes = 256 * 1024
const maxMetaChars = 8 * 1024

const goMicroSchema = z.object({
  Service: z.string(),
  Version: z.string().catch(''),
  Metadata: z
    .record(z.string(), z.string())
    .nullish()
    .transform((metadata) => metadata ?? {}),
})

/** Reads a TXT record of go-micro or of plain DNS-SD, told apart by what is in it; returns why where it can't be read. */
export function readServiceText(strings: readonly Buffer[]): ServiceText | string {
  const bytes = strings.reduce((sum, { length }) => sum + length, 0)
  if (bytes > maxTextBytes) return `its TXT record has ${bytes} bytes, more than ${maxTextBytes}`
  const text = isGoMicro(strings) ? readGoMicro(strings) : readPairs(strings)
  if (typeof text === 'string') return text
  const chars = Object.entries(text.meta).reduce((sum, [key, value]) => sum + key.length + value.length, 0)
  return chars > maxMetaChars ? `its metadata has ${chars} characters, more than ${maxMetaChars}` : text
}

/** Hex digits in pairs that begin as zlib's do (RFC 1950 section 2.2: method 8, a window of 32 KiB). */
function isGoMicro(strings: readonly Buffer[]): boolean {
  const joined = Buffer.concat(strings).toString('latin1')
  return joined.length % 2 === 0 && /^78[\da-f]+$/i.test(joined)
}

function readGoMicro(strings: readonly Buffer[]): ServiceText | string {
  const packed = Buffer.from(Buffer.concat(strings).toString('latin1'), 'hex')
  let json: unknown
  try {
    json = JSON.parse(inflateSync(packed, { maxOutputLength: maxInflatedBytes }).toString())
  } catch (error) {
    return `its TXT record can't be read: ${error instanceof Error ? error.message : String(error)}`
  }
  const parsed = goMicroSchema.safeParse(json)
  if (!parsed.success) return 'its TXT record is not what go-micro writes'
  const { Service, Version, Metadata } = parsed.data
  return { service: Service, version: Version, meta: Metadata }
}

/** RFC 6763 section 6: `key=value`, or a key alone; the first of a key counts, and its case does not. */
function readPairs(strings: readonly Buffer[]): ServiceText {
  const meta = new Map<string, string>()
  for (const bytes of strings) {
    const text = bytes.toString()
    const equals = text.indexOf('=')
    const key = (equals === -1 ? text : text.slice(0, equals)).toLowerCase()
    if (key !== '' && !meta.has(key)) meta.set(key, equals === -1 ? '' : text.slice(equals + 1))
  }
  return { service: null, version: meta.get('version') ?? '', meta: Object.fromEntries(meta) }
}
