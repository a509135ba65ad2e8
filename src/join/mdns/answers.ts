import type { Answer, Question } from 'dns-packet'
import { nameKey } from '../../discovery/mdns/response.ts'
import { type InstanceRecords, ttlSeconds } from './records.ts'

/** Whether a question is about an instance. */
export type Concern =
  | 'none'
  /** About its service: others will answer, too. */
  | 'service'
  /** About itself. */
  | 'itself'

export function concernOf(records: InstanceRecords, { name, type }: Question): Concern {
  const key = nameKey(name)
  if (key === nameKey(records.service) && (type === 'PTR' || isAny(type))) return 'service'
  const isAsked = records.unique.some((each) => nameKey(each.name) === key && (each.type === type || isAny(type)))
  return isAsked ? 'itself' : 'none'
}

/** Whether the asker says that it knows, and for long enough (RFC 6762 section 7.1). */
export function isKnown({ pointer }: InstanceRecords, known: readonly Answer[]): boolean {
  return known.some((each) => {
    return each.type === 'PTR' && nameKey(each.data) === nameKey(pointer.data) && (each.ttl ?? 0) >= ttlSeconds / 2
  })
}

/** What answers the question for the names of services, as DNS-SD (RFC 6763 section 9) or go-micro asks it; null where it is another one. */
export function listingOf(
  { service, isGoMicro }: InstanceRecords,
  domain: string,
  { name }: Question,
): Answer[] | null {
  const rest = { ttl: ttlSeconds, class: 'IN' as const }
  const key = nameKey(name)
  if (!isGoMicro) {
    if (key !== `_services._dns-sd._udp.${domain}`) return null
    return [{ ...rest, type: 'PTR', name, data: service }]
  }
  if (key !== `_services.${domain}`) return null
  // go-micro reads the name alone, but of nothing less than a whole instance.
  const entry = `${service.slice(0, -domain.length - 1)}.${name}`
  return [
    { ...rest, type: 'PTR', name, data: entry },
    { ...rest, type: 'SRV', name: entry, data: { port: 9999, target: `services.${domain}`, weight: 1, priority: 10 } },
    { ...rest, type: 'A', name: `services.${domain}`, data: '0.0.0.0' },
    { ...rest, type: 'TXT', name: entry, data: [''] },
  ]
}

function isAny(type: string): boolean {
  return type === 'ANY'
}
