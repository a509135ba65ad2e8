import type { Failure } from '../../core/failure.ts'
import { nameFold } from './characters.ts'
import { hasLoneLineFeed } from './fields.ts'
import { latin1 } from '../../util/latin1.ts'

/** Heads rarely are longer; a body that came along is not turned into text for nothing. */
const firstLookBytes = 2048
/** The empty line in front that is ignored, and what ends a head. */
const terminatorsBytes = 6

/** Gathers a request head from however many reads it takes, within its limit, and refuses early what can't become one. */
export class HeadReader {
  /** Begins with the head that `take` found, which ends before its empty line, at `headEnd`. */
  head: string | null = null
  headEnd = 0
  failure: Failure | null = null
  #text = ''
  #skippedLine = false

  /** True while no request has begun; the empty line that is ignored is none. */
  get isEmpty(): boolean {
    return this.#text === ''
  }

  /**
   * @param end of what was read
   * @param maxBytes longer heads are refused
   * @returns index after the last byte used; then `head`, `failure`, or neither (more is needed) is set
   */
  take(bytes: Buffer, at: number, end: number, maxBytes: number): number {
    this.head = null
    this.failure = null
    const found = this.#search(bytes, at, Math.min(end, at + firstLookBytes))
    if (found !== -1 || this.failure !== null || end - at <= firstLookBytes)
      return this.#taken(at, end, found, maxBytes)
    const again = this.#search(bytes, at, Math.min(end, at + maxBytes + 1 + terminatorsBytes))
    return this.#taken(at, end, again, maxBytes)
  }

  #pending = ''

  /** @returns length of the head in `#pending`, or -1 */
  #search(bytes: Buffer, at: number, end: number): number {
    const before = this.#text.length
    this.#pending = this.#text + latin1(bytes, at, end)
    return this.#pending.indexOf('\r\n\r\n', Math.max(0, before - 3))
  }

  #taken(at: number, end: number, found: number, maxBytes: number): number {
    const before = this.#text.length
    let text = this.#pending
    this.#pending = ''
    let skipped = 0
    // One empty line before a request is left over from an older client's body (RFC 9112 section 2.2).
    if (!this.#skippedLine && text.startsWith('\r\n')) {
      this.#skippedLine = true
      if (found === 0) {
        // CRLF CRLF: the second one can't be ignored as well.
        this.failure = 'bad-request'
        return end
      }
      text = text.slice(2)
      skipped = 2
    }
    const length = found === -1 ? -1 : found - skipped
    if (!this.#looksRight(text, length)) {
      this.failure = 'bad-request'
      return end
    }
    // The last three bytes may be the beginning of what ends a head that is just short enough.
    if (length > maxBytes || (length === -1 && text.length > maxBytes + 3)) {
      this.failure = text.lastIndexOf('\r\n', maxBytes) === -1 ? 'uri-too-long' : 'headers-too-large'
      return end
    }
    if (length === -1) {
      this.#text = text
      return end
    }
    this.head = text
    this.headEnd = length
    this.#text = ''
    this.#skippedLine = false
    return at + found + 4 - before
  }

  /** A head starts with a method; while it is incomplete, what can't become one any more would be waited on in vain. */
  #looksRight(text: string, length: number): boolean {
    if (text === '' || text === '\r') return true
    if (nameFold[text.charCodeAt(0)] === 0 || nameFold[text.charCodeAt(0)] === undefined) return false
    return length !== -1 || (!hasLoneLineFeed(text) && !hasWrongRequestLine(text))
  }
}

/** True for a whole first line without a version at its end: that of HTTP/0.9 is all there is of its request. */
function hasWrongRequestLine(text: string): boolean {
  const lineEnd = text.indexOf('\r\n')
  return lineEnd !== -1 && !text.startsWith(' HTTP/', lineEnd - 9)
}
