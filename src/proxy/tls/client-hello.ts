const handshakeRecord = 22
const clientHello = 1
const serverNameExtension = 0
const hostNameType = 0

/** No hello is longer but one that is no good; OpenSSL says what becomes of it. */
const maxBytes = 16 * 1024

/**
 * The host name that a client asks for in the first message of its handshake (RFC 6066 section 3, RFC 8446 section 4.1.2), read
 * before OpenSSL does: what it answers with has to be chosen by then.
 *
 * @param bytes all that has come so far
 * @returns as sent; empty when there is none, or no good message; null while more bytes are needed
 */
export function serverNameOf(bytes: Buffer): string | null {
  const message = firstMessage(bytes)
  if (message === null) return bytes.length < maxBytes ? null : ''
  const reader = new Reader(message)
  // Behind type and length: version and random; session id, cipher suites and compression methods.
  reader.skip(4 + 2 + 32)
  reader.skip(reader.uint8())
  reader.skip(reader.uint16())
  reader.skip(reader.uint8())
  reader.limit(reader.uint16())
  while (reader.hasMore) {
    const type = reader.uint16()
    const length = reader.uint16()
    if (type !== serverNameExtension) reader.skip(length)
    else {
      reader.limit(length)
      reader.limit(reader.uint16())
      if (reader.uint8() === hostNameType) return reader.text(reader.uint16())
      return ''
    }
  }
  return ''
}

/** The handshake message that begins with the first record; empty for what is none; null while it is not whole. */
function firstMessage(bytes: Buffer): Buffer | null {
  let message: Buffer = Buffer.alloc(0)
  for (let at = 0; ;) {
    if (at < bytes.length && bytes[at] !== handshakeRecord) return Buffer.alloc(0)
    if (at + 5 > bytes.length) return null
    const end = at + 5 + bytes.readUInt16BE(at + 3)
    const fragment = bytes.subarray(at + 5, end)
    message = message.length === 0 ? fragment : Buffer.concat([message, fragment])
    if (message.length > 0 && message[0] !== clientHello) return Buffer.alloc(0)
    if (message.length >= 4) {
      const length = 4 + message.readUIntBE(1, 3)
      if (length > maxBytes) return Buffer.alloc(0)
      if (message.length >= length) return message.subarray(0, length)
    }
    if (end > bytes.length) return null
    at = end
  }
}

/** Reads forward; past the end there is nothing but zeros. */
class Reader {
  readonly #bytes: Buffer
  #at = 0
  #end: number

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#end = bytes.length
  }

  get hasMore(): boolean {
    return this.#at < this.#end
  }

  uint8(): number {
    const at = this.#at++
    return at < this.#end ? (this.#bytes[at] as number) : 0
  }

  uint16(): number {
    return this.uint8() * 256 + this.uint8()
  }

  skip(length: number): void {
    this.#at += length
  }

  /** There is no more than this from here on. */
  limit(length: number): void {
    this.#end = Math.min(this.#end, this.#at + length)
  }

  /** Empty when it is not there whole. */
  text(length: number): string {
    const end = this.#at + length
    return end <= this.#end ? this.#bytes.toString('latin1', this.#at, end) : ''
  }
}
