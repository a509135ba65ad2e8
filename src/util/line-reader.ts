export interface LineReaderOptions {
  /** Of a line, without its end. */
  readonly maxLineBytes: number
  /** Returns how many bytes of a body follow the line; null = none, another line does. */
  readonly onLine: (line: string) => number | null
  readonly onBody: (body: Buffer) => void
}

const newline = 0x0a

/** Takes lines, and the bodies that they announce, out of a stream as it comes. */
export class LineReader {
  readonly #options: LineReaderOptions
  /** Of what is not complete yet. */
  #parts: Buffer[] = []
  #partBytes = 0
  /** Null = a line is read. */
  #bodyBytes: number | null = null

  constructor(options: LineReaderOptions) {
    this.#options = options
  }

  /** @throws RangeError where a line is too long; and what the callbacks throw. Nothing may be read after that */
  read(chunk: Buffer): void {
    let from = 0
    while (from < chunk.length) {
      from = this.#bodyBytes === null ? this.#readLine(chunk, from) : this.#readBody(chunk, from, this.#bodyBytes)
    }
  }

  #readLine(chunk: Buffer, from: number): number {
    const end = chunk.indexOf(newline, from)
    this.#keep(chunk.subarray(from, end === -1 ? chunk.length : end))
    if (this.#partBytes > this.#options.maxLineBytes) {
      throw new RangeError(`a line is longer than ${this.#options.maxLineBytes} bytes`)
    }
    if (end === -1) return chunk.length
    const bytes = this.#options.onLine(this.#takeParts().toString())
    if (bytes === 0) this.#options.onBody(Buffer.alloc(0))
    else this.#bodyBytes = bytes
    return end + 1
  }

  #readBody(chunk: Buffer, from: number, bytes: number): number {
    const end = Math.min(chunk.length, from + bytes - this.#partBytes)
    this.#keep(chunk.subarray(from, end))
    if (this.#partBytes === bytes) {
      this.#bodyBytes = null
      this.#options.onBody(this.#takeParts())
    }
    return end
  }

  #keep(part: Buffer): void {
    this.#parts.push(part)
    this.#partBytes += part.length
  }

  /** Mostly all came in one chunk, and is not copied. */
  #takeParts(): Buffer {
    const parts = this.#parts
    const [first] = parts
    this.#parts = []
    this.#partBytes = 0
    return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts)
  }
}
