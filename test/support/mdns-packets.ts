import { readFileSync } from 'node:fs'
import { decode, type Answer } from 'dns-packet'
import type { ResponsePacket } from 'multicast-dns'
import { readResponse, type Response } from '../../src/discovery/mdns/response.ts'

export const own = { wire: 'lo 127.0.0.1', isOwn: true }

/** The recorded messages of one step. */
export function recorded(program: 'go-micro' | 'avahi', step: string): Buffer[] {
  const file = new URL(`../fixtures/mdns/${program}.json`, import.meta.url)
  const packets = JSON.parse(readFileSync(file, 'utf8')) as { step: string; hex: string }[]
  return packets.filter((packet) => packet.step === step).map(({ hex }) => Buffer.from(hex, 'hex'))
}

export function responseOf(bytes: Buffer, origin: Pick<Response, 'wire' | 'isOwn'> = own): Response {
  const response = readResponse(decode(bytes) as ResponsePacket, origin)
  if (response === null) throw new Error('it is to be ignored')
  return response
}

/** A message with these records. */
export function responseWith(answers: readonly Answer[], origin: Pick<Response, 'wire' | 'isOwn'> = own): Response {
  const header = { type: 'response', opcode: 'QUERY', rcode: 'NOERROR', additionals: [] }
  const withClass = answers.map((answer) => ({ class: 'IN', ...answer }))
  const response = readResponse({ ...header, answers: withClass } as unknown as ResponsePacket, origin)
  if (response === null) throw new Error('it is to be ignored')
  return response
}
