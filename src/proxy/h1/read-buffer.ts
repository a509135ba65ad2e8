/** In front of what is read: room for a head that is longer than the one it replaces. */
const headroomBytes = 4096
const readBytes = 256 * 1024
/** Read at once from an endpoint whose client is slow: what the client does not take has to be kept. */
export const smallReadBytes = 32 * 1024

/**
 * What all sockets of one thread read into, one after the other: what was read is valid until the callback returns, and has to be
 * written or copied by then. One buffer stays in the CPU's cache however many connections there are, and can be large: fewer reads
 * and writes for large bodies.
 */
export class ReadBuffer {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(headroomBytes + readBytes)
  /** Where reads begin in `bytes`. */
  readonly start = headroomBytes
  readonly whole: Buffer = this.bytes.subarray(headroomBytes)
  readonly part: Buffer = this.bytes.subarray(headroomBytes, headroomBytes + smallReadBytes)
}
