import type { Failure } from '../../core/failure.ts'
import { normalizeHost } from '../../util/host.ts'
import { normalizePath } from '../../util/path.ts'
import { equalsIgnoreCase, nameFold, targetCharacter } from './characters.ts'
import { Fields, listMembers, parseContentLength } from './fields.ts'
import { connectionOptions, field, fieldKind } from './hop-by-hop.ts'
import { countForward } from './max-forwards.ts'

/** One request head, parsed and judged; kept by its connection and used again for the next request. */
export class RequestHead {
  readonly fields = new Fields()
  method = ''
  /** Normal form, without the query; `*` for `OPTIONS *`. This string is matched and forwarded. */
  path = ''
  /** With its `?`, or empty. */
  query = ''
  /** Lower case, without port: what routes are matched with. */
  host = ''
  /** The last Host value that was valid, and what it comes to. */
  #normalized = ''
  #normalHost = ''
  /** The Host value to forward: as received, or the authority of an absolute-form target. */
  authority = ''
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  minor = 1
  /** Declared body length; 0 when there is none. */
  contentLength = 0
  hasContentLength = false
  chunked = false
  keepAlive = true
  expectContinue = false
  /** The protocol asked for by an Upgrade that may be tunnelled, or null. */
  upgrade: string | null = null
  acceptsTrailers = false
  /** The fields are those of the request before, byte for byte. */
  isRepeated = false
  /** What follows the target towards an endpoint, for all requests with these fields; null until they were repeated. */
  forwardedTail: string | null = null
  /** Lines to forward as they are, each with its CRLF. */
  carried = ''
  /** Fields of a proxy before us, believed only when the connection comes from a trusted one. */
  requestId: string | null = null
  forwardedFor: string | null = null
  forwardedProto: string | null = null
  forwardedHost: string | null = null
  forwardedPort: string | null = null
  forwarded: string | null = null
  /** The same of fields that are only carried: lines, each with its CRLF. */
  vouched = ''
  /** Of an OPTIONS: how many proxies may still pass it on, or -1 when it does not say. */
  maxForwards = -1
  forwardedClientCert: string | null = null

  /** For an exchange whose head could not be read: nothing of the request before may be taken for it. */
  clear(): void {
    this.fields.reset('')
    this.method = ''
    this.path = ''
    this.query = ''
    this.host = ''
    this.authority = ''
    this.minor = 1
  }

  /** `host` of `authority`; false when that is none. The clients of a connection hardly ever change it. */
  readHost(): boolean {
    if (this.authority !== this.#normalized) {
      const host = normalizeHost(this.authority)
      if (host === null) return false
      this.#normalized = this.authority
      this.#normalHost = host
    }
    this.host = this.#normalHost
    return true
  }

  get hasBody(): boolean {
    return this.chunked || this.contentLength > 0
  }
}

const maxMethodLength = 32

/**
 * Parses a request head: `text` up to `end` is everything from the request line up to, without, the empty line. Strict where two
 * readings are possible (RFC 9112 sections 2.2, 3, 5, 6): such a head never reaches an upstream.
 *
 * @param maxFields more fields than this are `headers-too-large`
 * @param bytes those of the text from `base` on, where they are at hand
 * @returns null, with `head` filled, or why the request is refused
 */
export function parseRequestHead(
  text: string,
  maxFields: number,
  head: RequestHead,
  end: number = text.length,
  bytes?: Buffer,
  base?: number,
): Failure | null {
  const { fields } = head
  head.clear()
  fields.reset(text, end, bytes, base)
  head.contentLength = 0
  head.hasContentLength = false
  head.chunked = false
  head.expectContinue = false
  head.upgrade = null
  head.acceptsTrailers = false
  head.isRepeated = false
  head.forwardedTail = null
  head.requestId = null
  head.forwardedFor = null
  head.forwardedProto = null
  head.forwardedHost = null
  head.forwardedPort = null
  head.forwarded = null
  head.vouched = ''
  head.maxForwards = -1
  head.forwardedClientCert = null

  const methodEnd = scanMethod(fields)
  if (methodEnd === -1) return 'bad-request'
  let targetEnd = methodEnd + 1
  while (targetCharacter[fields.byteAt(targetEnd)] === 1) targetEnd++
  if (targetEnd === methodEnd + 1 || fields.byteAt(targetEnd) !== 0x20) return 'bad-request'
  const lineEnd = targetEnd + 9
  const versionFailure = checkVersion(text, targetEnd + 1, lineEnd, end)
  if (versionFailure !== null) return versionFailure
  head.minor = text.charCodeAt(lineEnd - 1) - 0x30
  head.method = text.slice(0, methodEnd)

  const failure = scanFields(lineEnd + 2, maxFields, head)
  if (failure !== null) return failure
  if (head.method === 'CONNECT' || head.method === 'TRACE') return 'method-refused'
  if (head.method === 'OPTIONS' && !countForward(head)) return 'bad-request'
  if (readTarget(text, methodEnd + 1, targetEnd, head)) return null
  // For the log, as it came; it is neither matched nor forwarded.
  head.path = text.slice(methodEnd + 1, targetEnd)
  head.query = ''
  return 'bad-request'
}

function scanMethod(fields: Fields): number {
  let i = 0
  while (i <= maxMethodLength && i < fields.end && nameFold[fields.byteAt(i)] !== 0) i++
  return i > 0 && i <= maxMethodLength && fields.byteAt(i) === 0x20 ? i : -1
}

/** `HTTP/1.0` or `HTTP/1.1`, in this case only, at the end of its line. */
function checkVersion(text: string, start: number, end: number, headEnd: number): Failure | null {
  if (!text.startsWith('HTTP/', start)) return 'bad-request'
  if (end > headEnd) return 'bad-request'
  if (end < headEnd && (text.charCodeAt(end) !== 0x0d || text.charCodeAt(end + 1) !== 0x0a)) return 'bad-request'
  if (text.startsWith('1.1', start + 5) || text.startsWith('1.0', start + 5)) return null
  const isVersion =
    isDigit(text.charCodeAt(start + 5)) && text.charCodeAt(start + 6) === 0x2e && isDigit(text.charCodeAt(start + 7))
  return isVersion ? 'version' : 'bad-request'
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** One pass: finds each field's meaning, and gathers the runs of lines that are forwarded as they are. */
function scanFields(from: number, maxFields: number, head: RequestHead): Failure | null {
  const { fields } = head
  const { text, end } = fields
  let carried = ''
  let runStart = from
  let hostAt = -1
  let connectionAt = -1
  let upgradeAt = -1
  let teAt = -1
  let connection: string | null = null
  let at = from
  while (at < end) {
    if (fields.count === maxFields) return 'headers-too-large'
    const next = fields.scan(at)
    if (next === -1) return 'bad-request'
    const index = fields.count - 1
    const kind = fieldKind(fields, index)
    if (kind !== field.carried) {
      const keeps = kind === field.contentLength
      if (!keeps) {
        if (at > runStart) carried += text.slice(runStart, at)
        runStart = next
      }
      switch (kind) {
        case field.host:
          if (hostAt !== -1) return 'bad-request'
          hostAt = index
          break
        case field.contentLength: {
          if (head.hasContentLength) return 'bad-request'
          const length = parseContentLength(text, fields.valueStart(index), fields.valueEnd(index))
          if (length === -1) return 'bad-request'
          head.contentLength = length
          head.hasContentLength = true
          break
        }
        case field.transferEncoding: {
          if (head.chunked) return 'bad-request'
          const failure = checkTransferEncoding(fields, index)
          if (failure !== null) return failure
          head.chunked = true
          break
        }
        case field.connection:
          connection = connectionAt === -1 ? fields.value(index) : `${connection},${fields.value(index)}`
          connectionAt = index
          break
        case field.upgrade:
          upgradeAt = index
          break
        case field.te:
          teAt = index
          break
        case field.expect:
          if (!equalsIgnoreCase(text, fields.valueStart(index), fields.valueEnd(index), '100-continue'))
            return 'expectation-failed'
          head.expectContinue = true
          break
        case field.requestId:
          head.requestId = fields.value(index)
          break
        case field.forwardedFor:
          head.forwardedFor = append(head.forwardedFor, fields.value(index))
          break
        case field.forwardedProto:
          head.forwardedProto = fields.value(index)
          break
        case field.forwardedHost:
          head.forwardedHost = fields.value(index)
          break
        case field.forwardedPort:
          head.forwardedPort = fields.value(index)
          break
        case field.forwarded:
          head.forwarded = append(head.forwarded, fields.value(index))
          break
        case field.vouched:
          head.vouched += `${fields.text.slice(fields.nameStart(index), fields.nameEnd(index))}: ${fields.value(index)}\r\n`
          break
        case field.forwardedClientCert:
          head.forwardedClientCert = append(head.forwardedClientCert, fields.value(index))
          break
        default:
          break
      }
    }
    at = next
  }
  // The last line of the head has no CRLF in `text`.
  if (runStart < end) carried += `${text.slice(runStart, end)}\r\n`
  head.carried = carried
  if (head.chunked && (head.hasContentLength || head.minor === 0)) return 'bad-request'
  if (hostAt === -1) {
    if (head.minor === 1) return 'bad-request'
    head.authority = ''
  } else head.authority = fields.value(hostAt)
  head.keepAlive = head.minor === 1
  if (connection !== null) readConnection(connection, upgradeAt, teAt, head)
  return null
}

function append(before: string | null, value: string): string {
  return before === null ? value : `${before}, ${value}`
}

const codingPattern = /^[ \t]*[!#$%&'*+.^_`|~0-9a-z-]+[ \t]*$/i

/** Only `chunked`, once (RFC 9112 sections 6.1 and 6.3): a known-but-unserved coding before it is 501, all else 400. */
function checkTransferEncoding(fields: Fields, index: number): Failure | null {
  if (equalsIgnoreCase(fields.text, fields.valueStart(index), fields.valueEnd(index), 'chunked')) return null
  const codings = fields.value(index).split(',')

  const last = (codings.at(-1) as string).trim().toLowerCase()
  const chunkedOnce = codings.filter((coding) => coding.trim().toLowerCase() === 'chunked').length === 1
  return codings.every((coding) => codingPattern.test(coding)) && last === 'chunked' && chunkedOnce
    ? 'not-implemented'
    : 'bad-request'
}

function readConnection(value: string, upgradeAt: number, teAt: number, head: RequestHead): void {
  if (equalsIgnoreCase(value, 0, value.length, 'keep-alive')) {
    head.keepAlive = true
    return
  }
  const options = connectionOptions(listMembers(value))
  if (options.close) head.keepAlive = false
  else if (options.keepAlive) head.keepAlive = true
  if (options.te && teAt !== -1) head.acceptsTrailers = listMembers(head.fields.value(teAt)).includes('trailers')
  // HTTP/2 over cleartext is never tunnelled: the upstream would speak it past our rules. A body and an upgrade do not go together.
  if (options.upgrade && upgradeAt !== -1 && head.minor === 1 && !head.chunked && head.contentLength === 0) {
    const protocols = head.fields.value(upgradeAt)
    if (!listMembers(protocols).some((protocol) => protocol.startsWith('h2') || protocol.startsWith('http/'))) {
      head.upgrade = protocols
    }
  }
  if (options.names !== null) head.carried = withoutNamed(head.fields, options.names)
}

/** The carried lines again, less those the Connection field names. Rare. */
function withoutNamed(fields: Fields, names: ReadonlySet<string>): string {
  let carried = ''
  for (let i = 0; i < fields.count; i++) {
    const kind = fieldKind(fields, i)
    if (kind !== field.carried && kind !== field.contentLength) continue
    const name = fields.text.slice(fields.nameStart(i), fields.nameEnd(i))
    if (!names.has(name.toLowerCase())) carried += `${name}: ${fields.value(i)}\r\n`
  }
  return carried
}

/** Origin-form, absolute-form or `*` (RFC 9112 section 3.2); an absolute target's authority replaces Host. */
function readTarget(text: string, start: number, end: number, head: RequestHead): boolean {
  let pathStart = start
  if (text.charCodeAt(start) !== 0x2f) {
    if (end - start === 1 && text.charCodeAt(start) === 0x2a && head.method === 'OPTIONS') {
      head.path = '*'
      head.query = ''
      return readHost(head)
    }
    if (!equalsIgnoreCase(text, start, start + 7, 'http://') && !equalsIgnoreCase(text, start, start + 8, 'https://'))
      return false
    const authorityStart = text.indexOf('//', start) + 2
    pathStart = authorityStart
    while (pathStart < end && text.charCodeAt(pathStart) !== 0x2f && text.charCodeAt(pathStart) !== 0x3f) pathStart++
    // The Host field that it replaces still has to be a valid one.
    if (head.authority !== '' && normalizeHost(head.authority) === null) return false
    head.authority = text.slice(authorityStart, pathStart)
    if (head.authority === '') return false
  }
  const question = text.indexOf('?', pathStart)
  const queryStart = question === -1 || question >= end ? end : question
  const path = normalizePath(queryStart === pathStart ? '/' : text.slice(pathStart, queryStart))
  if (path === null) return false
  head.path = path
  head.query = queryStart === end ? '' : text.slice(queryStart, end)
  return readHost(head)
}

function readHost(head: RequestHead): boolean {
  if (head.authority === '') {
    head.host = ''
    // An empty Host is for targets without authority (RFC 9112 section 3.2), which a gateway never sees.
    return head.minor === 0
  }
  return head.readHost()
}
