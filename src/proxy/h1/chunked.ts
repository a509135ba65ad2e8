import { hexValue } from './characters.ts'
import { Fields, hasLoneLineFeed } from './fields.ts'
import { field, fieldKind } from './hop-by-hop.ts'
import { latin1 } from '../../util/latin1.ts'

/** Extensions of one chunk as RFC 9112 section 7.1.1 has them, without white space. */
const extensionPattern = /^(?:;[!#$%&'*+.^_`|~\w-]+(?:=(?:[!#$%&'*+.^_`|~\w-]+|"(?:[\t !#-[\]-~]|\\[\t -~])*"))?)+$/

/** Takes the payload of a chunked body as slices of what was read; `bytes` may be overwritten after the call. */
export interface ChunkSink {
  bodySlice(bytes: Buffer, start: number, end: number): void
}

/** Digits that count: sizes stay exact in a double. */
const maxSizeDigits = 13
/** Leading zeros included. */
const maxWrittenDigits = 16
const maxExtensionBytes = 256
const maxExtensionBytesPerMessage = 16 * 1024
const maxTrailerBytes = 16 * 1024

const sizeStart = 0
const sizeDigits = 1
const extension = 2
const sizeLf = 3
const payload = 4
const payloadCr = 5
const payloadLf = 6
const trailers = 7
const done = 8
const broken = 9

/**
 * Decodes a chunked body (RFC 9112 section 7.1), strictly: hexadecimal digits only, CRLF only, bounded extensions, which are
 * never forwarded, and the CRLF after the data is checked. What it accepts has one reading.
 */
export class ChunkedDecoder {
  #state = sizeStart
  #remaining = 0
  #digits = 0
  #zeros = 0
  /** The extensions of the line under way, with their semicolons. */
  #extensions = ''
  #extensionBytes = 0
  #trailerText = ''
  /** Trailer lines to forward, each with its CRLF; set when done. Framing, routing and credential fields are left out. */
  trailers = ''

  reset(): void {
    this.#state = sizeStart
    this.#remaining = 0
    this.#digits = 0
    this.#zeros = 0
    this.#extensions = ''
    this.#extensionBytes = 0
    this.#trailerText = ''
    this.trailers = ''
  }

  get isDone(): boolean {
    return this.#state === done
  }

  /** True after something that is no chunked body; nothing more is taken. */
  get isBroken(): boolean {
    return this.#state === broken
  }

  /** @returns the index after the last byte taken: `end`, or less when the body ended or broke before */
  push(bytes: Buffer, start: number, end: number, sink: ChunkSink): number {
    let at = start
    while (at < end && this.#state < done) {
      if (this.#state === payload) {
        const until = Math.min(end, at + this.#remaining)
        sink.bodySlice(bytes, at, until)
        this.#remaining -= until - at
        at = until
        if (this.#remaining === 0) this.#state = payloadCr
      } else if (this.#state === trailers) {
        at = this.#takeTrailers(bytes, at, end)
      } else {
        this.#state = this.#step(bytes[at] as number)
        at++
      }
    }
    return at
  }

  /** One byte of a chunk-size line or of the CRLF after data. */
  #step(byte: number): number {
    switch (this.#state) {
      case sizeStart:
      case sizeDigits:
        return this.#sizeByte(byte)
      case extension:
        return this.#extensionByte(byte)
      case sizeLf:
        if (byte !== 0x0a) return broken
        if (this.#remaining === 0) return trailers
        return payload
      case payloadCr:
        return byte === 0x0d ? payloadLf : broken
      case payloadLf:
        if (byte !== 0x0a) return broken
        this.#digits = 0
        this.#zeros = 0
        this.#extensions = ''
        return sizeStart
      default:
        return broken
    }
  }

  #sizeByte(byte: number): number {
    const value = hexValue[byte] as number
    if (value !== 255) {
      if (value === 0 && this.#digits === 0) this.#zeros++
      else this.#digits++
      if (this.#digits > maxSizeDigits || this.#zeros + this.#digits > maxWrittenDigits) return broken
      this.#remaining = this.#remaining * 16 + value
      return sizeDigits
    }
    if (this.#state === sizeStart) return broken
    if (byte === 0x0d) return sizeLf
    return byte === 0x3b ? this.#extensionByte(byte) : broken
  }

  #extensionByte(byte: number): number {
    if (byte === 0x0d) return extensionPattern.test(this.#extensions) ? sizeLf : broken
    if (this.#extensions.length === maxExtensionBytes || ++this.#extensionBytes > maxExtensionBytesPerMessage)
      return broken
    this.#extensions += String.fromCharCode(byte)
    return extension
  }

  /** After the last chunk: field lines up to an empty one. */
  #takeTrailers(bytes: Buffer, start: number, end: number): number {
    const before = this.#trailerText.length
    this.#trailerText += latin1(bytes, start, Math.min(end, start + maxTrailerBytes + 4 - before))
    if (this.#trailerText.startsWith('\r\n')) {
      this.#state = done
      return start + 2 - before
    }
    const found = this.#trailerText.indexOf('\r\n\r\n', Math.max(0, before - 3))
    if (found === -1) {
      if (this.#trailerText.length >= maxTrailerBytes + 4 || !mayBecomeTrailers(this.#trailerText)) this.#state = broken
      return end
    }
    const filtered = filterTrailers(this.#trailerText.slice(0, found))
    if (filtered === null) {
      this.#state = broken
      return end
    }
    this.trailers = filtered
    this.#state = done
    return start + found + 4 - before
  }
}

/** False when what came of the trailers can't be ended by an empty line any more. */
function mayBecomeTrailers(text: string): boolean {
  return (text.charCodeAt(0) !== 0x0d || text.length === 1) && !hasLoneLineFeed(text)
}

/**
 * Fields that mean something to framing, routing, or authentication are not taken from trailers (RFC 9110 section 6.5.1).
 *
 * @returns null when a line is malformed, or all of them are too long
 */
export function filterTrailers(text: string): string | null {
  if (text.length > maxTrailerBytes) return null
  const fields = new Fields()
  fields.reset(text)
  let kept = ''
  for (let at = 0; at < text.length;) {
    const next = fields.scan(at)
    if (next === -1) return null
    const index = fields.count - 1
    const name = text.slice(fields.nameStart(index), fields.nameEnd(index))
    if (fieldKind(fields, index) === field.carried && !forbiddenTrailers.has(name.toLowerCase())) {
      kept += `${name}: ${fields.value(index)}\r\n`
    }
    at = next
  }
  return kept
}

const forbiddenTrailers = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'trailer',
  'content-encoding',
  'content-type',
  'content-range',
  'cache-control',
  'max-forwards',
  'age',
  'date',
  'expires',
  'location',
  'retry-after',
  'vary',
  'www-authenticate',
  'range',
])

/** The chunk that carries `length` bytes: its size line, to be followed by the bytes and CRLF. */
export function chunkSizeLine(length: number): string {
  return `${length.toString(16)}\r\n`
}
