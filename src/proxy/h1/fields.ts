import { equalsIgnoreCase, nameFold, valueCharacter } from './characters.ts'

const noBytes = Buffer.alloc(0)

/**
 * Positions of the fields of one head inside its text. Kept as numbers in one growing array, so that a head that nobody
 * asks about costs no strings. Scanned as bytes, at a third of what the characters of a string cost.
 */
export class Fields {
  text = ''
  /** Where the head ends in the text; what follows is none of it. */
  end = 0
  count = 0
  /** What is scanned: the text's bytes, from `base` on. */
  #bytes: Buffer = noBytes
  #base = 0
  /** Four numbers per field: start and end of the name, start and end of the trimmed value. Grows by its use. */
  readonly #positions: number[] = []

  /** @param bytes those of the text from `base` on, which may be overwritten once the head was scanned */
  reset(
    text: string,
    end: number = text.length,
    bytes: Buffer = text === '' ? noBytes : Buffer.from(text, 'latin1'),
    base = 0,
  ): void {
    this.text = text
    this.end = end
    this.count = 0
    this.#bytes = bytes
    this.#base = base
  }

  /**
   * Scans one field line at `at` (RFC 9112 section 5), which ends with CRLF or with the head.
   *
   * @returns where the next line starts, or -1: no colon, an empty or malformed name, space before the colon, a folded line,
   * a control character, CR or LF on its own
   */
  scan(at: number): number {
    const bytes = this.#bytes
    const base = this.#base
    const start = base + at
    const end = base + this.end
    let i = start
    while (i < end && nameFold[bytes[i] as number] !== 0) i++
    if (i === start || i >= end || bytes[i] !== 0x3a) return -1
    const nameEnd = i
    i++
    while (i < end && isSpace(bytes[i] as number)) i++
    const valueStart = i
    while (i < end && valueCharacter[bytes[i] as number] === 1) i++
    let next = i
    if (i < end) {
      if (bytes[i] !== 0x0d || bytes[i + 1] !== 0x0a) return -1
      next = i + 2
    }
    let valueEnd = i
    while (valueEnd > valueStart && isSpace(bytes[valueEnd - 1] as number)) valueEnd--
    this.#add(at, nameEnd - base, valueStart - base, valueEnd - base)
    return next - base
  }

  /** The byte at `at` of the text; before the bytes are overwritten. NaN-like (undefined) behind their end. */
  byteAt(at: number): number {
    return this.#bytes[this.#base + at] as number
  }

  /** True when the name at `index` is `name` (lower case, of the same length), `_` taken for `-`. Before the bytes are overwritten. */
  nameIs(index: number, name: string): boolean {
    const start = this.#base + this.nameStart(index)
    for (let i = 0; i < name.length; i++) {
      if (nameFold[this.#bytes[start + i] as number] !== name.charCodeAt(i)) return false
    }
    return true
  }

  nameStart(index: number): number {
    return this.#positions[index * 4] as number
  }

  nameEnd(index: number): number {
    return this.#positions[index * 4 + 1] as number
  }

  valueStart(index: number): number {
    return this.#positions[index * 4 + 2] as number
  }

  valueEnd(index: number): number {
    return this.#positions[index * 4 + 3] as number
  }

  value(index: number): string {
    return this.text.slice(this.valueStart(index), this.valueEnd(index))
  }

  /** @param name lower case; several lines are joined with ", " (RFC 9110 section 5.3) */
  get(name: string): string | null {
    let joined: string | null = null
    for (let i = 0; i < this.count; i++) {
      if (!equalsIgnoreCase(this.text, this.nameStart(i), this.nameEnd(i), name)) continue
      joined = joined === null ? this.value(i) : `${joined}, ${this.value(i)}`
    }
    return joined
  }

  #add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const at = this.count * 4
    this.#positions[at] = nameStart
    this.#positions[at + 1] = nameEnd
    this.#positions[at + 2] = valueStart
    this.#positions[at + 3] = valueEnd
    this.count++
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** True when a line feed has no CR before it: whoever waits for CRLF behind it waits in vain, or for another's bytes. */
export function hasLoneLineFeed(text: string): boolean {
  for (let lf = text.indexOf('\n'); lf !== -1; lf = text.indexOf('\n', lf + 1)) {
    if (text.charCodeAt(lf - 1) !== 0x0d) return true
  }
  return false
}

/**
 * The comma-separated members of a field value (RFC 9110 section 5.6.1), trimmed, in lower case, empty ones left out.
 * For fields that are rare or short; allocates.
 */
export function listMembers(value: string): string[] {
  const members: string[] = []
  for (const part of value.split(',')) {
    const member = part.trim().toLowerCase()
    if (member !== '') members.push(member)
  }
  return members
}

/** A Content-Length value: digits only, at most 15 of them (exact in a double); -1 for anything else (RFC 9112 section 6.3). */
export function parseContentLength(text: string, start: number, end: number): number {
  if (end === start || end - start > 15) return -1
  let length = 0
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return length
}
