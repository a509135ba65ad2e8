import type { Fields } from './fields.ts'

/** What a field means to the forwarder. Everything else is carried along unread. */
export const field = {
  carried: 0,
  /** Hop-by-hop (RFC 9110 section 7.6.1): forwarded in neither direction. */
  hopByHop: 1,
  host: 2,
  contentLength: 3,
  transferEncoding: 4,
  connection: 5,
  upgrade: 6,
  te: 7,
  expect: 8,
  requestId: 9,
  forwardedFor: 10,
  forwardedProto: 11,
  forwardedHost: 12,
  forwardedPort: 13,
  forwarded: 14,
  /** Not believed in a request: `Proxy` (httpoxy), `_` twins of known names. Carried in a response. */
  untrusted: 15,
  /** What a proxy before us says of the client in words we do not use: carried when that proxy is trusted, else dropped. */
  vouched: 16,
  forwardedClientCert: 17,
} as const

export type FieldKind = (typeof field)[keyof typeof field]

interface KnownName {
  readonly name: string
  readonly kind: FieldKind
}

/**
 * Known names by their length; `_` counts as `-`, since CGI-style origins can't tell `X_Forwarded_For` from
 * `X-Forwarded-For`. Three lengths hold more than three names; all others are decided by one or two comparisons.
 */
const byLength: readonly (readonly KnownName[])[] = (() => {
  const names: [string, FieldKind][] = [
    ['te', field.te],
    ['host', field.host],
    ['proxy', field.untrusted],
    ['expect', field.expect],
    ['upgrade', field.upgrade],
    ['forwarded', field.forwarded],
    ['x-real-ip', field.vouched],
    ['connection', field.connection],
    ['keep-alive', field.hopByHop],
    ['x-request-id', field.requestId],
    ['content-length', field.contentLength],
    ['http2-settings', field.untrusted],
    ['x-forwarded-for', field.forwardedFor],
    ['proxy-connection', field.hopByHop],
    ['x-forwarded-host', field.forwardedHost],
    ['x-forwarded-port', field.forwardedPort],
    ['transfer-encoding', field.transferEncoding],
    ['x-forwarded-proto', field.forwardedProto],
    ['proxy-authenticate', field.hopByHop],
    ['x-forwarded-prefix', field.vouched],
    ['x-forwarded-server', field.vouched],
    ['proxy-authorization', field.hopByHop],
    ['x-forwarded-client-cert', field.forwardedClientCert],
  ]
  const table: KnownName[][] = []
  for (const [name, kind] of names) {
    while (table.length <= name.length) table.push([])
    ;(table[name.length] as KnownName[]).push({ name, kind })
  }
  return table
})()

/** What the field at `index` is; a known name written with `_` is untrusted. */
export function fieldKind(fields: Fields, index: number): FieldKind {
  const start = fields.nameStart(index)
  const length = fields.nameEnd(index) - start
  const candidates = byLength[length]
  if (candidates === undefined) return field.carried
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i] as KnownName
    if (!fields.nameIs(index, candidate.name)) continue
    return hasUnderscore(fields.text, start, start + length) ? field.untrusted : candidate.kind
  }
  return field.carried
}

function hasUnderscore(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (text.charCodeAt(i) === 0x5f) return true
  return false
}

/**
 * Fields that a `Connection` option may not take away: removing them would let a client unframe a message, hide who it
 * is, or drop credentials on the way.
 */
const protectedNames = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'authorization',
  'cookie',
  'forwarded',
  'x-request-id',
])

/** Splits a Connection value: options we act on, and names of further fields to remove (null when there are none). */
export function connectionOptions(members: readonly string[]): {
  readonly close: boolean
  readonly keepAlive: boolean
  readonly upgrade: boolean
  readonly te: boolean
  readonly names: ReadonlySet<string> | null
} {
  let close = false
  let keepAlive = false
  let upgrade = false
  let te = false
  let names: Set<string> | null = null
  for (const member of members) {
    if (member === 'close') close = true
    else if (member === 'keep-alive') keepAlive = true
    else if (member === 'upgrade') upgrade = true
    else if (member === 'te') te = true
    else if (!protectedNames.has(member) && !member.startsWith('x-forwarded-')) (names ??= new Set()).add(member)
  }
  return { close, keepAlive, upgrade, te, names }
}
