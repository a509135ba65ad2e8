import { isIP } from 'node:net'
import { type Answer, encode, type Question } from 'dns-packet'
import * as fc from 'fast-check'
import { DiscoveryError } from '../../src/discovery/contract.ts'
import { listAddresses } from '../../src/discovery/dns/addresses.ts'
import { DnsClient } from '../../src/discovery/dns/client.ts'
import type { Listing } from '../../src/discovery/dns/listing.ts'
import { queryFor, readReply } from '../../src/discovery/dns/message.ts'
import { listServers } from '../../src/discovery/dns/srv.ts'
import { toHost } from '../../src/discovery/host-name.ts'
import { type DnsRequest, startScriptedDns, withLength } from '../support/scripted-dns.ts'

/** Few names, so that aliases meet, targets have addresses and circles close. */
const name = fc.constantFrom('web.example.com', 'a.example.com', 'B.example.com', 'x y', 'com', '.')
const ttl = fc.constantFrom(0, 1, 300, 0x7fff_ffff, 0xffff_ffff)
const port = fc.constantFrom(0, 80, 65_535)
const address = fc.oneof(fc.ipV4(), fc.ipV6())

const record: fc.Arbitrary<Answer> = fc.oneof(
  fc
    .record({ name, ttl, target: name, port, priority: port, weight: port })
    .map((srv): Answer => ({ type: 'SRV', name: srv.name, ttl: srv.ttl, data: srv })),
  fc.record({ name, ttl, data: name }).map((alias): Answer => ({ type: 'CNAME', ...alias })),
  fc
    .record({ name, ttl, data: address })
    .map((host): Answer => ({ type: host.data.includes(':') ? 'AAAA' : 'A', ...host })),
  fc.record({ name, ttl, minimum: ttl }).map((start): Answer => ({
    type: 'SOA',
    name: start.name,
    ttl: start.ttl,
    data: { mname: 'ns', rname: 'x', minimum: start.minimum },
  })),
  fc.record({ name, ttl, data: name }).map((ns): Answer => ({ type: 'NS', ...ns })),
  fc.record({ name, ttl, data: fc.string() }).map((txt): Answer => ({ type: 'TXT', ...txt })),
)

/** A well-formed message, and what is done to its bytes. */
const message = fc.record({
  flags: fc.oneof(fc.constantFrom(0, 3), fc.nat(0x7fff)),
  answers: fc.array(record, { maxLength: 8 }),
  authorities: fc.array(record, { maxLength: 2 }),
  additionals: fc.array(record, { maxLength: 4 }),
  edits: fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 3 }),
  cut: fc.option(fc.nat(400), { freq: 8 }),
})

type Message = typeof message extends fc.Arbitrary<infer T> ? T : never

function bytesOf(
  { flags, answers, authorities, additionals, edits, cut }: Message,
  id: number,
  question: Question,
): Buffer {
  const bytes = encode({ type: 'response', id, flags, questions: [question], answers, authorities, additionals })
  for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte
  return cut === null ? bytes : bytes.subarray(0, cut)
}

const question = { name: 'web.example.com', type: 'SRV' } as const
const anyBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))

/** Whatever the bytes: nothing, a reply of sound values, or an Error. */
export const dnsMessages = fc.property(fc.oneof(anyBytes, message), (given) => {
  const query = queryFor(question, 1232)
  const bytes = Buffer.isBuffer(given) ? given : bytesOf(given, query.id, question)
  let reply
  try {
    reply = readReply(bytes, query)
  } catch (error) {
    return error instanceof Error
  }
  const records = [...(reply?.answers ?? []), ...(reply?.authorities ?? []), ...(reply?.additionals ?? [])]
  return records.every((each) => {
    const isAddress = each.type !== 'A' && each.type !== 'AAAA' ? true : isIP(each.address) !== 0
    return isAddress && each.ttlSeconds >= 0 && each.ttlSeconds <= 0x7fff_ffff
  })
})

/** Whatever a server sends over UDP and TCP: a list of sound instances, or a DiscoveryError; and soon. */
export async function dnsListings() {
  let given: Message | Buffer = Buffer.alloc(0)
  const server = await startScriptedDns(({ id, name: asked, type, transport }: DnsRequest) => {
    const bytes = Buffer.isBuffer(given)
      ? Buffer.concat([Buffer.from([id >> 8, id & 255]), given])
      : bytesOf(given, id, { name: asked, type: type as Question['type'] })
    return transport === 'tcp' ? [withLength(bytes), 'hang up'] : bytes
  })
  const client = new DnsClient({ servers: [server], timeoutMs: 10 })
  const { signal } = new AbortController()
  const property = fc.asyncProperty(
    fc.oneof({ weight: 1, arbitrary: anyBytes }, { weight: 9, arbitrary: message }),
    async (next) => {
      given = next
      const place = { name: question.name, port: 80 }
      for (const list of [
        async () => listServers(client, 'web', question.name, signal),
        async () => listAddresses(client, place, [], signal),
      ]) {
        const listing = await list().catch((error: unknown) => error)
        if (!(listing instanceof DiscoveryError) && !isSound(listing as Listing)) return false
      }
      return true
    },
  )
  return { property, close: async () => server.close() }
}

function isSound({ instances, ttlSeconds }: Listing): boolean {
  const areSound = instances?.every(
    (each) => toHost(each.host) !== null && each.port >= 1 && each.port <= 65_535 && each.weight >= 1,
  )
  return areSound && ttlSeconds >= 0 && ttlSeconds <= 0x7fff_ffff
}
