import { hash } from 'node:crypto'
import { unreadable } from './error.ts'

/**
 * The rows of a JSON list as they were sent, parsed one by one. What ends a blocking query is mostly one row that changed, but the
 * answer is the whole list: the other rows are known by their marks, and need no parsing.
 */
export class SentRows {
  readonly #text: Buffer
  readonly #url: string
  /** Of each row where it begins and where it ends. */
  readonly #bounds: readonly number[]

  private constructor(text: Buffer, url: string, bounds: readonly number[]) {
    this.#text = text
    this.#url = url
    this.#bounds = bounds
  }

  /** Null where the text is no JSON list; the rows themselves are not looked at. @param url for messages */
  static of(text: Buffer, url: string): SentRows | null {
    const bounds = boundsOf(text)
    return bounds === null ? null : new SentRows(text, url, bounds)
  }

  get length(): number {
    return this.#bounds.length / 2
  }

  /** The same for the same text only: its SHA-256. */
  mark(row: number): string {
    return hash('sha256', this.#at(row), 'binary')
  }

  /** Throws a DiscoveryError where it is no JSON. */
  parse(row: number): unknown {
    try {
      return JSON.parse(this.#at(row).toString())
    } catch (error) {
      throw unreadable(this.#url, error instanceof Error ? error.message : String(error))
    }
  }

  #at(row: number): Buffer {
    return this.#text.subarray(this.#bounds[row * 2], this.#bounds[row * 2 + 1])
  }
}

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c]
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d]

/** RFC 8259 section 5: what lies between the commas of the outermost list. Null where that does not end as it should. */
function boundsOf(text: Buffer): number[] | null {
  const bounds: number[] = []
  let from = afterSpace(text, 0)
  if (text[from] !== openBracket) return null
  let depth = 0
  for (let at = ++from; at < text.length; at++) {
    const byte = text[at] ?? 0
    if (byte === quote) at = endOfString(text, at)
    else if (byte === openBrace || byte === openBracket) depth++
    else if (byte === closeBrace || byte === closeBracket) {
      if (depth-- > 0) continue
      if (byte === closeBrace || afterSpace(text, at + 1) < text.length) return null
      // Only an empty list may have nothing before its end.
      if (bounds.length > 0 || afterSpace(text, from) < at) bounds.push(from, at)
      return bounds
    } else if (byte === comma && depth === 0) {
      bounds.push(from, at)
      from = at + 1
    }
  }
  return null
}

/** Where its closing quote is, or the end of the text. */
function endOfString(text: Buffer, opening: number): number {
  const { length } = text
  let at = opening + 1
  while (at < length) {
    const byte = text[at]
    if (byte === quote) break
    at += byte === backslash ? 2 : 1
  }
  return at
}

/** Section 2. */
function afterSpace(text: Buffer, start: number): number {
  let at = start
  while (text[at] === 0x20 || text[at] === 0x0a || text[at] === 0x0d || text[at] === 0x09) at++
  return at
}
