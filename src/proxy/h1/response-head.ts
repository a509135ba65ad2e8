import { equalsIgnoreCase, valueCharacter } from './characters.ts'
import { Fields, hasLoneLineFeed, listMembers, parseContentLength } from './fields.ts'
import { connectionOptions, field, fieldKind } from './hop-by-hop.ts'

/** One response head, parsed and judged; kept by its upstream connection and used again for the next response. */
export class ResponseHead {
  readonly fields = new Fields()
  status = 0
  /** Reason phrase as received; may be empty. */
  reason = ''
  minor = 1
  /** -1 when not given. */
  contentLength = -1
  chunked = false
  /** The upstream connection may carry another request after this response. */
  keepAlive = true
  /** Milliseconds of the upstream's `Keep-Alive: timeout`, or -1. */
  keepAliveMs = -1
  /** The protocol switched to, of a 101. */
  upgrade: string | null = null
  /** Lines to forward as they are, each with its CRLF. */
  carried = ''
  /** It is the head of the response before, byte for byte. */
  isRepeated = false
  /** Status line and carried lines; null until it was repeated. */
  forwardedText: string | null = null
}

/** False when what came so far can't become a response head any more, however long we wait for its end. */
export function mayBecomeResponseHead(text: string): boolean {
  return protocol.startsWith(text.slice(0, protocol.length)) && !hasLoneLineFeed(text)
}

const protocol = 'HTTP/1.'

/**
 * Parses a response head: `text` up to `end` is everything from the status line up to, without, the empty line.
 *
 * @param bytes those of the text from `base` on, where they are at hand
 * @returns false when it is not a response that can have one reading only (RFC 9112 sections 4, 5, 6.3)
 */
export function parseResponseHead(
  text: string,
  maxFields: number,
  head: ResponseHead,
  end: number = text.length,
  bytes?: Buffer,
  base?: number,
): boolean {
  const fields = head.fields
  fields.reset(text, end, bytes, base)
  head.contentLength = -1
  head.chunked = false
  head.keepAliveMs = -1
  head.upgrade = null
  head.isRepeated = false
  head.forwardedText = null

  if (!text.startsWith(protocol) || text.charCodeAt(8) !== 0x20) return false
  head.minor = text.charCodeAt(7) - 0x30
  if (head.minor !== 0 && head.minor !== 1) return false
  head.status = parseStatus(text)
  if (head.status === 0) return false
  let lineEnd = 12
  while (lineEnd < end && valueCharacter[text.charCodeAt(lineEnd)] === 1) lineEnd++
  if (end < 12) return false
  if (lineEnd < end && (text.charCodeAt(lineEnd) !== 0x0d || text.charCodeAt(lineEnd + 1) !== 0x0a)) return false
  // A reason phrase is set off by a space; without it the fourth digit of `2000` would be one.
  if (lineEnd > 12 && text.charCodeAt(12) !== 0x20) return false
  head.reason = text.slice(13, lineEnd)
  return scanFields(lineEnd + 2, maxFields, head)
}

/** Whether a 101 switches to a protocol that the client named; any other is no answer to it (RFC 9110 section 7.8). */
export function switchesAsAsked(head: ResponseHead, asked: string | null): boolean {
  return asked !== null && head.upgrade !== null && listMembers(asked).includes(head.upgrade.toLowerCase())
}

/** Three digits, 100 to 599 (RFC 9110 section 15); 0 for anything else. */
function parseStatus(text: string): number {
  let status = 0
  for (let i = 9; i < 12; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (!(digit >= 0 && digit <= 9)) return 0
    status = status * 10 + digit
  }
  return status >= 100 && status <= 599 ? status : 0
}

function scanFields(from: number, maxFields: number, head: ResponseHead): boolean {
  const { fields } = head
  const { text, end } = fields
  let carried = ''
  let runStart = from
  let connection: string | null = null
  let upgradeAt = -1
  let at = from
  while (at < end) {
    if (fields.count === maxFields) return false
    const next = fields.scan(at)
    if (next === -1) return false
    const index = fields.count - 1
    const kind = fieldKind(fields, index)
    switch (kind) {
      case field.contentLength: {
        if (head.contentLength !== -1) return false
        const length = parseContentLength(text, fields.valueStart(index), fields.valueEnd(index))
        if (length === -1) return false
        head.contentLength = length
        break
      }
      case field.transferEncoding:
        if (head.chunked) return false
        if (!equalsIgnoreCase(text, fields.valueStart(index), fields.valueEnd(index), 'chunked')) return false
        head.chunked = true
        break
      case field.connection:
        connection = connection === null ? fields.value(index) : `${connection},${fields.value(index)}`
        break
      case field.upgrade:
        upgradeAt = index
        break
      case field.hopByHop:
        if (fields.nameEnd(index) - fields.nameStart(index) === 10)
          head.keepAliveMs = keepAliveTimeoutMs(fields.value(index))
        break
      default:
        break
    }
    if (isRemoved(kind, head.status)) {
      if (at > runStart) carried += text.slice(runStart, at)
      runStart = next
    }
    at = next
  }
  if (runStart < end) carried += `${text.slice(runStart, end)}\r\n`
  head.carried = carried
  if (head.chunked && (head.contentLength !== -1 || head.minor === 0)) return false
  head.keepAlive = head.minor === 1
  if (connection !== null) readConnection(connection, head)
  if (upgradeAt !== -1) head.upgrade = fields.value(upgradeAt)
  return true
}

function isRemoved(kind: number, status: number): boolean {
  switch (kind) {
    case field.transferEncoding:
    case field.connection:
    case field.upgrade:
    case field.hopByHop:
    case field.te:
      return true
    case field.contentLength:
      // These have no body and must not announce one (RFC 9110 section 8.6): a client might read it from what follows.
      return status < 200 || status === 204
    default:
      return false
  }
}

function readConnection(value: string, head: ResponseHead): void {
  if (equalsIgnoreCase(value, 0, value.length, 'keep-alive')) {
    head.keepAlive = true
    return
  }
  const options = connectionOptions(listMembers(value))
  if (options.close) head.keepAlive = false
  else if (options.keepAlive) head.keepAlive = true
  if (options.names !== null) head.carried = carriedWithout(head, options.names)
}

function carriedWithout(head: ResponseHead, names: ReadonlySet<string>): string {
  const { fields } = head
  let carried = ''
  for (let i = 0; i < fields.count; i++) {
    if (isRemoved(fieldKind(fields, i), head.status)) continue
    const name = fields.text.slice(fields.nameStart(i), fields.nameEnd(i))
    if (!names.has(name.toLowerCase())) carried += `${name}: ${fields.value(i)}\r\n`
  }
  return carried
}

function keepAliveTimeoutMs(value: string): number {
  for (const member of listMembers(value)) {
    const [name, seconds] = member.split('=')
    if (name === 'timeout' && seconds !== undefined && /^\d{1,6}$/.test(seconds)) return Number(seconds) * 1000
  }
  return -1
}
