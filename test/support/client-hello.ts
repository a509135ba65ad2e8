import { randomBytes } from 'node:crypto'

const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff])
const uint24 = (value: number): Buffer => Buffer.from([value >> 16, (value >> 8) & 0xff, value & 0xff])
const sized16 = (...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts)
  return Buffer.concat([uint16(content.length), content])
}

/** What a server does not look into is left out. */
export interface ClientHelloOptions {
  /** As it is, whether it is a name or not. */
  readonly serverName: Buffer
  /** Bytes of each record but the last; default all in one. */
  readonly recordBytes?: number
}

/** The first message of a TLS 1.2 handshake (RFC 5246 section 7.4.1.2), in one or several records. */
export function clientHello({ serverName, recordBytes = 16_384 }: ClientHelloOptions): Buffer {
  const extensions = [
    extension(0, sized16(Buffer.from([0]), sized16(serverName))),
    // Groups: secp256r1. Signatures: ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256. Points: uncompressed.
    extension(10, sized16(uint16(0x0017))),
    extension(13, sized16(uint16(0x0403), uint16(0x0804))),
    extension(11, Buffer.from([1, 0])),
  ]
  const body = Buffer.concat([
    uint16(0x0303),
    randomBytes(32),
    Buffer.from([0]),
    sized16(uint16(0xc02b), uint16(0xc02f)),
    Buffer.from([1, 0]),
    sized16(...extensions),
  ])
  const message = Buffer.concat([Buffer.from([1]), uint24(body.length), body])
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += recordBytes) {
    records.push(Buffer.from([22, 3, 1]), sized16(message.subarray(at, at + recordBytes)))
  }
  return Buffer.concat(records)
}

function extension(type: number, content: Buffer): Buffer {
  return Buffer.concat([uint16(type), sized16(content)])
}
