import type { StringAnswer } from 'dns-packet'
import type { AnnouncedInstance, Part } from './announced-instance.ts'
import type { Ask } from './ask.ts'

const maxLabelBytes = 63

/**
 * Asks who offers the service.
 *
 * @param known the instances that need not say so again: they are in the list of known answers while that may be
 */
export function askForService(question: string, known: Iterable<AnnouncedInstance>, nowMs: number): Ask {
  const answers: StringAnswer[] = []
  for (const { name, id, pointer } of known) {
    const seconds = pointer?.knownForSeconds(nowMs) ?? null
    if (seconds !== null && isWritable(id)) answers.push({ name: question, type: 'PTR', ttl: seconds, data: name })
  }
  return { question: { name: question, type: 'PTR' }, known: answers }
}

/** Asks for parts of one instance, all but its pointer. */
export function askForParts({ name, id, target }: AnnouncedInstance, parts: ReadonlySet<Part>): Ask[] {
  const asks: Ask[] = []
  const ask = (asked: string, ...types: readonly ('SRV' | 'TXT' | 'A' | 'AAAA')[]) => {
    for (const type of types) asks.push({ question: { name: asked, type }, known: [] })
  }
  if (isWritable(id)) {
    if (parts.has('location')) ask(name, 'SRV')
    if (parts.has('text')) ask(name, 'TXT')
  }
  if (parts.has('addresses') && target !== null && hasGoodLabels(target)) ask(target, 'A', 'AAAA')
  return asks
}

/** Whether only the service's own question brings what is wanted: answers to it carry all the rest (RFC 6763 section 12.1). */
export function needsServiceQuestion({ id }: AnnouncedInstance, parts: ReadonlySet<Part>): boolean {
  return parts.has('pointer') || ((parts.has('location') || parts.has('text')) && !isWritable(id))
}

/**
 * An instance's own name is one label, dots and all (RFC 6763 section 4.3), and read it looks like several: a question with it
 * would be another one. Go-micro's have dots between labels, and go-micro answers the service's question with everything.
 */
function isWritable(id: string): boolean {
  return !id.includes('.') && hasGoodLabels(id)
}

function hasGoodLabels(name: string): boolean {
  return name.split('.').every((label) => label !== '' && Buffer.byteLength(label) <= maxLabelBytes)
}
