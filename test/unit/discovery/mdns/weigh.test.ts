import { type Answer, decode, encode } from 'dns-packet'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { weighResponse } from '../../../../src/discovery/mdns/weigh.ts'
import { recorded } from '../../../support/mdns-packets.ts'

const header = (answers: number, flags = 0x8400) => {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt16BE(flags, 2)
  bytes.writeUInt16BE(answers, 6)
  return bytes
}
const record = (name: Buffer, type: number, content: Buffer) => {
  const bytes = Buffer.alloc(10)
  bytes.writeUInt16BE(type)
  bytes.writeUInt16BE(1, 2)
  bytes.writeUInt16BE(content.length, 8)
  return Buffer.concat([name, bytes, content])
}
const message = (...records: readonly Buffer[]) => Buffer.concat([header(records.length), ...records])
const root = Buffer.from([0])
const pointerTo = (offset: number) => Buffer.from([0xc0 | (offset >> 8), offset & 0xff])
const [ptr, txt, nsec] = [12, 16, 47]
/** 126 labels, the most that a name has. */
const longName = Buffer.concat([...Array.from({ length: 126 }, () => Buffer.from([1, 97])), root])

/** Pointers each to the one before, and records whose names are the last of them. */
function pointersUponPointers(hops: number, records: number): Buffer {
  const start = 12 + 1 + 10
  const at = (index: number) => (index < 0 ? start : start + 1 + 2 * index)
  const chain = Buffer.concat([root, ...Array.from({ length: hops }, (_, index) => pointerTo(at(index - 1)))])
  const last = pointerTo(at(hops - 1))
  return message(record(root, 10, chain), ...Array.from({ length: records }, () => record(last, ptr, last)))
}

const isRead = ({ type }: Answer) => ['A', 'AAAA', 'PTR', 'SRV', 'TXT'].includes(type)

describe('a response', () => {
  it.each(['go-micro', 'avahi'] as const)('of %s is worth reading, and reads as before', (program) => {
    const all = ['announce', 'answer', 'goodbye'].flatMap((step) => recorded(program, step))
    const packets = all.filter((bytes) => decode(bytes).type === 'response')
    expect(packets.length).toBeGreaterThan(0)
    for (const bytes of packets) {
      const before = decode(bytes)
      expect(weighResponse(bytes)).toBeLessThan(500)
      expect(decode(bytes).answers?.filter(isRead)).toEqual(before.answers?.filter(isRead))
    }
  })

  it('weighs a step for each label, pointer and text', () => {
    const name = Buffer.from('\u0003web\u0005local\u0000', 'latin1')
    expect(weighResponse(message(record(name, txt, Buffer.from('\u0001a\u0001b', 'latin1'))))).toBe(3 + 2)
    expect(weighResponse(message(record(name, ptr, pointerTo(16))))).toBe(3 + 1 + 2)
  })

  it('full of instances, as long as mDNS allows, is worth reading', () => {
    const answers = Array.from({ length: 300 }, (_, index): Answer => {
      return { type: 'PTR', name: '_http._tcp.local', ttl: 120, data: `i${index}._http._tcp.local` }
    })
    expect(weighResponse(encode({ type: 'response', answers }))).not.toBeNull()
  })

  it.each<[string, Buffer]>([
    ['pointers upon pointers', pointersUponPointers(8000, 3000)],
    [
      'one long name, pointed at by all',
      message(record(longName, ptr, root), ...Array.from({ length: 100 }, () => record(pointerTo(12), ptr, root))),
    ],
    ['ten thousand empty texts', message(record(root, txt, Buffer.alloc(10_001)))],
    ['counts of records that are not there', header(0xffff)],
    ['a pointer to itself', message(record(pointerTo(12), ptr, root))],
    ['a pointer ahead', message(record(pointerTo(20), ptr, root))],
    ['a label of a kind that does not exist', message(record(Buffer.from([0x41, 0]), ptr, root))],
    ['an end within a record', message(record(root, ptr, root)).subarray(0, -1)],
    ['the beginning of a header', header(0).subarray(0, 11)],
    ['a query', header(0, 0)],
    ['another opcode', header(0, 0x8800)],
    ['an error', header(0, 0x8403)],
  ])('of %s is not', (_, bytes) => {
    expect(weighResponse(bytes)).toBeNull()
  })

  it('has the names in records that nobody reads left alone', () => {
    const records = Array.from({ length: 1000 }, () => record(root, nsec, pointerTo(12)))
    const bytes = message(record(longName, ptr, root), ...records)
    expect(weighResponse(bytes)).toBeLessThan(1200)
    expect(decode(bytes).answers?.[1]?.type).toBe('UNKNOWN_65280')
  })

  it('is weighed without an error, whatever it is made of', () => {
    const honest = encode({ type: 'response', answers: [{ type: 'PTR', name: 'a.b.c', data: 'd.a.b.c' }] })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(honest.length), (noise, cut) => {
        const bytes = Buffer.concat([honest.subarray(0, cut), noise])
        expect(weighResponse(bytes) ?? 0).toBeLessThanOrEqual(10_000)
      }),
    )
  })
})
