import { DiscoveryError } from '../contract.ts'
import type { DnsClient } from './client.ts'
import { responseCodes } from './error.ts'
import type { DnsRecord, Question, Reply } from './message.ts'

export type RecordOf<Type extends DnsRecord['type']> = Extract<DnsRecord, { readonly type: Type }>

export interface Found<Type extends Question['type']> {
  /** None where the DNS says that there are none. */
  readonly records: readonly RecordOf<Type>[]
  /** What came with them. */
  readonly additionals: readonly DnsRecord[]
  /** The least of all that led here. */
  readonly ttlSeconds: number
}

const maxAliases = 8

/**
 * The records of a name, and of what it is an alias for.
 * @throws DiscoveryError when nobody answers for it: that is not an answer of no records
 */
export async function find<Type extends Question['type']>(
  client: DnsClient,
  question: Question & { readonly type: Type },
  signal: AbortSignal,
): Promise<Found<Type>> {
  const seen = new Set<string>()
  let { name } = question
  let ttlSeconds = Infinity
  for (;;) {
    const askedName = name
    const reply = await client.ask({ name, type: question.type }, signal)
    for (;;) {
      const records = reply.answers.filter((record) => record.name === name && record.type === question.type)
      if (records.length > 0) {
        ttlSeconds = Math.min(ttlSeconds, ...records.map((record) => record.ttlSeconds))
        return { records: records as RecordOf<Type>[], additionals: reply.additionals, ttlSeconds }
      }
      const alias = reply.answers.find((record) => record.name === name && record.type === 'CNAME')
      if (alias?.type !== 'CNAME') break
      seen.add(name)
      if (seen.has(alias.target)) throw unfollowable(question, `${alias.target} is an alias of itself`)
      if (seen.size > maxAliases) throw unfollowable(question, `more than ${maxAliases} aliases lead on`)
      name = alias.target
      ttlSeconds = Math.min(ttlSeconds, alias.ttlSeconds)
    }
    const start = reply.authorities.find((record) => record.type === 'SOA')
    if (reply.responseCode === responseCodes.nxDomain || start?.type === 'SOA') {
      // RFC 2308 section 5; without an SOA it is not to be remembered.
      const negative = start?.type === 'SOA' ? Math.min(start.ttlSeconds, start.minimumSeconds) : 0
      return { records: [], additionals: [], ttlSeconds: Math.min(ttlSeconds, negative) }
    }
    if (name !== askedName) continue
    checkIsEmpty(question, reply)
    return { records: [], additionals: [], ttlSeconds: 0 }
  }
}

/** No error and no record that was asked for is not always the word that there is none. */
function checkIsEmpty(question: Question, { answers, authorities }: Reply): void {
  if (answers.length > 0) throw unfollowable(question, 'the answer is about another name')
  // A server that does not know names others (RFC 2308 section 2.2, a referral).
  if (authorities.some(({ type }) => type === 'NS')) throw unfollowable(question, 'the server only names others to ask')
}

function unfollowable({ type, name }: Question, reason: string): DiscoveryError {
  return new DiscoveryError('unreadable', `The answer for ${type} ${name} can't be used: ${reason}; check the zone`)
}
