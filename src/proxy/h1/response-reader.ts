import { latin1 } from '../../util/latin1.ts'
import { RememberedBytes } from './remembered-bytes.ts'
import { mayBecomeResponseHead, parseResponseHead, ResponseHead } from './response-head.ts'

const maxHeadBytes = 64 * 1024
const maxHeadFields = 500
/** Heads rarely are longer; a body that came along is not turned into text for nothing. */
const firstLookBytes = 1024

/** Reads the response heads of one connection, one after the other, in however many pieces they come. */
export class ResponseReader {
  /** The last one read. */
  readonly head = new ResponseHead()
  /** What came can't become a response head. */
  isBroken = false
  #text = ''
  /** The bytes of `head`, when it is one that may come again. */
  readonly #remembered = new RememberedBytes()

  /** True while no head has begun. */
  get isEmpty(): boolean {
    return this.#text === ''
  }

  /** For the next exchange. */
  reset(): void {
    this.#text = ''
  }

  /**
   * @param end of what was read
   * @returns index behind a head, or -1 when more is needed or `isBroken`
   */
  take(bytes: Buffer, at: number, end: number): number {
    const before = this.#text.length
    if (before === 0 && this.#remembered.isAt(bytes, at, end)) {
      this.head.isRepeated = true
      return at + this.#remembered.length
    }
    let text = this.#text + latin1(bytes, at, Math.min(end, at + firstLookBytes))
    let found = text.indexOf('\r\n\r\n', Math.max(0, before - 3))
    if (found === -1 && end - at > firstLookBytes) {
      text = this.#text + latin1(bytes, at, Math.min(end, at + maxHeadBytes + 4 - before))
      found = text.indexOf('\r\n\r\n', Math.max(0, before - 3))
    }
    if (found === -1) {
      this.#text = text
      this.isBroken = text.length >= maxHeadBytes || !mayBecomeResponseHead(text)
      return -1
    }
    this.#text = ''
    const next = at + found + 4 - before
    this.isBroken = !(before === 0
      ? parseResponseHead(text, maxHeadFields, this.head, found, bytes, at)
      : parseResponseHead(text, maxHeadFields, this.head, found))
    if (this.isBroken) return -1
    if (before === 0 && this.head.status >= 200) this.#remembered.set(bytes, at, next)
    else this.#remembered.forget()
    return next
  }
}
