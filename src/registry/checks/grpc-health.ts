/** The messages of `grpc.health.v1.Health/Check` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md) as bytes. */

const serving = 1
/** In front of each message: a byte that says whether it is compressed, and four of its length (PROTOCOL-HTTP2.md, Length-Prefixed-Message). */
const prefixBytes = 5

/** `HealthCheckRequest { string service = 1; }`, framed. */
export function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service)
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name])
  const prefix = Buffer.alloc(prefixBytes)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** Whether a framed `HealthCheckResponse { ServingStatus status = 1; }` says SERVING. */
export function isServing(framed: Buffer): boolean {
  return framed[0] === 0 && framed[prefixBytes] === 0x08 && framed[prefixBytes + 1] === serving
}

/** Seven bits a byte, the least first; all but the last have the eighth set. */
function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}
