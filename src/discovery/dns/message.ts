import { randomInt } from 'node:crypto'
import { isIP } from 'node:net'
import { type Answer as PacketRecord, decode, encode, RECURSION_DESIRED } from 'dns-packet'

export interface Question {
  /** Lower case, without a final dot. */
  readonly name: string
  readonly type: 'SRV' | 'A' | 'AAAA'
}

interface Owned {
  /** Lower case, without a final dot. */
  readonly name: string
  readonly ttlSeconds: number
}

export interface SrvRecord extends Owned {
  readonly type: 'SRV'
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** `.` where the service is decidedly not there (RFC 2782). */
  readonly target: string
}

export interface HostRecord extends Owned {
  readonly type: 'A' | 'AAAA'
  readonly address: string
}

export type DnsRecord =
  | SrvRecord
  | HostRecord
  | (Owned & { readonly type: 'CNAME'; readonly target: string })
  | (Owned & { readonly type: 'SOA'; readonly minimumSeconds: number })
  | (Owned & { readonly type: 'NS' })

export interface Query {
  readonly id: number
  readonly question: Question
  readonly bytes: Buffer
}

export interface Reply {
  readonly responseCode: number
  readonly isTruncated: boolean
  readonly byteCount: number
  /** Records of kinds that nobody here reads are left out. */
  readonly answers: readonly DnsRecord[]
  readonly authorities: readonly DnsRecord[]
  readonly additionals: readonly DnsRecord[]
}

/** RFC 2181 section 8: a TTL with the first bit set counts as 0. */
const maxTtlSeconds = 0x7fff_ffff
const responseCodeBits = 0xf

/**
 * @param payloadBytes how long an answer over UDP may be (EDNS0, RFC 6891); null leaves EDNS0 out, and 512 bytes hold
 */
export function queryFor(question: Question, payloadBytes: number | null): Query {
  const id = randomInt(0x1_0000)
  const opt = {
    type: 'OPT' as const,
    name: '.',
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  }
  const bytes = encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ ...question, class: 'IN' }],
    additionals: payloadBytes === null ? [] : [{ ...opt, udpPayloadSize: payloadBytes }],
  })
  return { id, question, bytes }
}

/**
 * Reads a message as the answer to a query. Null when it answers something else (another id or question: a late answer, or a forged
 * one): what is asked for may still come.
 * @throws Error when it is the answer, and can't be read
 */
export function readReply(bytes: Buffer, { id, question }: Query): Reply | null {
  if (bytes.length < 12 || bytes.readUInt16BE(0) !== id || (bytes.readUInt8(2) & 0x80) === 0) return null
  const packet = decode(bytes)
  const { flags = 0, flag_tc: isTruncated, questions = [], answers = [], authorities = [], additionals = [] } = packet
  const opt = additionals.find((record) => record.type === 'OPT')
  const responseCode = (flags & responseCodeBits) | ((opt?.extendedRcode ?? 0) << 4)
  const [asked] = questions
  // A server that can't make sense of a query may answer with the header alone.
  const isBareError = asked === undefined && responseCode !== 0
  const isOurs = asked?.type === question.type && asked.class === 'IN' && normal(asked.name) === question.name
  if (!isBareError && !isOurs) return null
  return {
    responseCode,
    isTruncated,
    byteCount: bytes.length,
    answers: answers.flatMap(recordOf),
    authorities: authorities.flatMap(recordOf),
    additionals: additionals.flatMap(recordOf),
  }
}

function recordOf(record: PacketRecord): DnsRecord | [] {
  if (record.type === 'OPT' || !('class' in record) || record.class !== 'IN') return []
  const { ttl = 0 } = record
  const owned = { name: normal(record.name), ttlSeconds: ttl > maxTtlSeconds ? 0 : ttl }
  switch (record.type) {
    case 'A':
    case 'AAAA':
      // The decoder reads past the end of a message that stops short.
      if (isIP(record.data) === 0) throw new Error(`${record.data} is no address`)
      return { ...owned, type: record.type, address: record.data }
    case 'CNAME':
      return { ...owned, type: 'CNAME', target: normal(record.data) }
    case 'SRV': {
      const { priority = 0, weight = 0, port, target } = record.data
      return { ...owned, type: 'SRV', priority, weight, port, target: normal(target) }
    }
    case 'SOA':
      return { ...owned, type: 'SOA', minimumSeconds: record.data.minimum ?? 0 }
    case 'NS':
      return { ...owned, type: 'NS' }
    default:
      return []
  }
}

function normal(name: string): string {
  return name.toLowerCase()
}
