import { createHash } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'
import type { Answer, SrvAnswer, StringAnswer } from 'dns-packet'
import { nameKey } from '../../discovery/mdns/response.ts'
import { RegisterError } from '../register-error.ts'
import type { Registration } from '../registration.ts'
import { goMicroText, pairsText } from './text.ts'

/** What an instance is told by. */
export interface InstanceRecords {
  /** `<id>.<service>.<domain>` */
  readonly name: string
  readonly service: string
  readonly pointer: StringAnswer
  readonly location: SrvAnswer
  /** The location with its text and address. */
  readonly unique: readonly Answer[]
  /** By whom its domain is read. */
  readonly isGoMicro: boolean
}

/** What go-micro's records live, and those that name a host (RFC 6762 section 10). */
export const ttlSeconds = 120
const maxLabelBytes = 63
const maxNameBytes = 253
/** go-micro's own. */
const goMicroPriority = 10

/**
 * The records of a registration: in the domain `local` as RFC 6763 has them, elsewhere as go-micro does.
 * @throws RegisterError `invalid` where no DNS name can be made of it
 */
export function recordsOf(registration: Registration, domain: string): InstanceRecords {
  const { name: service, host, port, weight } = registration
  const isGoMicro = domain !== 'local'
  const serviceName = `${service}.${domain}`
  const name = `${labelOf(registration.id)}.${serviceName}`
  requireName(service, name)
  const target = isIP(host) === 0 ? host : hostNameOf(host, domain)
  const rest = { ttl: ttlSeconds, class: 'IN' as const, flush: !isGoMicro }
  const location: SrvAnswer = {
    ...rest,
    type: 'SRV',
    name,
    data: { port, target, weight: weight ?? (isGoMicro ? 1 : 0), priority: isGoMicro ? goMicroPriority : 0 },
  }
  const unique: Answer[] = [location]
  if (isIP(host) !== 0) unique.push({ ...rest, type: isIPv4(host) ? 'A' : 'AAAA', name: target, data: host })
  // As bytes: dns-packet puts bytes in place of the strings that it encodes, and the records would no longer equal themselves.
  const text = (isGoMicro ? goMicroText : pairsText)(registration).map((string) => Buffer.from(string))
  unique.push({ ...rest, type: 'TXT', name, data: text })
  // Many share it: it is never flushed (RFC 6762 section 10.2).
  const pointer: StringAnswer = { ...rest, type: 'PTR', name: serviceName, data: name, flush: false }
  return { name, service: serviceName, pointer, location, unique, isGoMicro }
}

/** The same that they hold no longer. A host's address stays: others may have it; go-micro's readers want it all the same. */
export function goodbyeOf({ pointer, unique, isGoMicro }: InstanceRecords): Answer[] {
  const records = isGoMicro ? unique : [pointer, ...unique.filter(({ type }) => type !== 'A' && type !== 'AAAA')]
  return records.map((record) => ({ ...record, ttl: 0 }) as Answer)
}

/** go-micro announces no pointers, and would take them for nothing. */
export function announcementOf({ pointer, unique, isGoMicro }: InstanceRecords): Answer[] {
  return isGoMicro ? [...unique] : [pointer, ...unique]
}

export function isSameRecords(one: InstanceRecords, other: InstanceRecords): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

export function isSameLocation(
  { data }: SrvAnswer,
  { port, target }: { readonly port: number; readonly target: string },
): boolean {
  return data.port === port && nameKey(data.target) === nameKey(target)
}

/** The id as one label: dots would make several of it. A long one keeps its begin, and is told from others by a hash. */
function labelOf(id: string): string {
  const label = id.replaceAll('.', '-')
  if (Buffer.byteLength(label) <= maxLabelBytes) return label
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 8)
  return `${Buffer.from(label)
    .subarray(0, maxLabelBytes - 9)
    .toString()
    .replace(/\uFFFD+$/, '')}-${hash}`
}

/**
 * The same for all instances at an address, whichever process they are in, and nobody else's: the machine's own name may have addresses that
 * are another responder's to tell.
 */
function hostNameOf(address: string, domain: string): string {
  const text = isIPv4(address)
    ? address.replaceAll('.', '-')
    : createHash('sha256').update(address).digest('hex').slice(0, 16)
  return `tidegate-${text}.${domain}`
}

function requireName(service: string, name: string): void {
  const isFine =
    Buffer.byteLength(name) <= maxNameBytes &&
    name.split('.').every((label) => label !== '' && Buffer.byteLength(label) <= maxLabelBytes)
  if (isFine) return
  const why = 'parts between dots have 1 to 63 bytes, and all together 253'
  throw new RegisterError('invalid', `no DNS name can be made of the service ${JSON.stringify(service)}: ${why}`)
}
