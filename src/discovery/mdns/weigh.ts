/** Types of the records that are read (RFC 1035 section 3.2.2, RFC 2782, RFC 3596). */
const types = { a: 1, ptr: 12, txt: 16, aaaa: 28, srv: 33 } as const
/** RFC 6895 section 3.1, private use: what has this type is not taken apart. */
const opaque = 0xff00

const headerBytes = 12
/** Behind its name: type and class of a question; and TTL and length of a record. */
const questionBytes = 4
const recordBytes = 10
/** What comes before the name of the target in an SRV record. */
const locationBytes = 6
/** Twice what a message of 9,000 bytes (RFC 6762 section 17) needs that names nothing but instances. A millisecond's work. */
const maxSteps = 10_000

/**
 * How many steps it takes to read a response: one for each label, pointer and text in it, however often they are pointed to. A record
 * of twelve bytes may lead through thousands of pointers, so that 64 KiB are half a second's work. Null for what is not worth it: what
 * is no response in good order (RFC 6762 section 18), not whole, or needs too many steps. Records that nobody reads here are made
 * opaque in place, so that they are no work.
 */
export function weighResponse(message: Buffer): number | null {
  if (message.length < headerBytes) return null
  const flags = message.readUInt16BE(2)
  const isResponse = (flags & 0x8000) !== 0
  if (!isResponse || (flags & 0x780f) !== 0) return null
  const questions = message.readUInt16BE(4)
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10)
  const walk: Walk = { message, at: headerBytes, stepsLeft: maxSteps }
  for (let i = 0; i < questions; i++) {
    if (!passName(walk) || !passBytes(walk, questionBytes)) return null
  }
  for (let i = 0; i < records; i++) if (!passRecord(walk)) return null
  return maxSteps - walk.stepsLeft
}

interface Walk {
  readonly message: Buffer
  at: number
  stepsLeft: number
}

function passRecord(walk: Walk): boolean {
  const { message } = walk
  if (!passName(walk)) return false
  const start = walk.at
  if (!passBytes(walk, recordBytes)) return false
  const type = message.readUInt16BE(start)
  const length = message.readUInt16BE(start + 8)
  const contentAt = walk.at
  if (!passBytes(walk, length)) return false
  const end = walk.at
  if (type === types.a || type === types.aaaa) return true
  if (type === types.txt) return passTexts(walk, contentAt, end)
  if (type === types.ptr || type === types.srv) {
    walk.at = type === types.srv ? contentAt + locationBytes : contentAt
    const isNamed = passName(walk)
    walk.at = end
    return isNamed
  }
  message.writeUInt16BE(opaque, start)
  return true
}

function passBytes(walk: Walk, count: number): boolean {
  walk.at += count
  return walk.at <= walk.message.length
}

function passTexts(walk: Walk, from: number, end: number): boolean {
  for (let at = from; at < end; at += 1 + (walk.message[at] as number)) if (--walk.stepsLeft < 0) return false
  return true
}

/** Follows the pointers of a name (RFC 1035 section 4.1.4), and goes on behind it. */
function passName(walk: Walk): boolean {
  const { message } = walk
  let { at } = walk
  let hasJumped = false
  for (;;) {
    if (at >= message.length || --walk.stepsLeft < 0) return false
    const length = message[at] as number
    if (length === 0) {
      if (!hasJumped) walk.at = at + 1
      return true
    }
    if (length < 0x40) at += 1 + length
    else if (length >= 0xc0 && at + 1 < message.length) {
      const target = ((length & 0x3f) << 8) | (message[at + 1] as number)
      if (!hasJumped) walk.at = at + 2
      hasJumped = true
      if (target >= at) return false
      at = target
    } else return false
  }
}
