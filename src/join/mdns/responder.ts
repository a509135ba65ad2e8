import type { RemoteInfo } from 'node:dgram'
import { setTimeout as delay } from 'node:timers/promises'
import type { Answer, Packet, Question } from 'dns-packet'
import type { QueryPacket } from 'multicast-dns'
import { nameKey, type Response } from '../../discovery/mdns/response.ts'
import type { Random } from '../../util/random.ts'
import { RegisterError } from '../register-error.ts'
import type { Standing } from '../registrar.ts'
import { concernOf, isKnown, listingOf } from './answers.ts'
import type { MdnsPlace } from './place.ts'
import { announcementOf, goodbyeOf, type InstanceRecords, isSameLocation, isSameRecords } from './records.ts'
import { Sockets } from './sockets.ts'
import { StandingEntry } from './standing-entry.ts'

/** RFC 6762 section 8.1. */
const probes = 3
const probeGapMs = 250
/** Section 6: answers that others may give as well come after 20 to 120 ms. */
const sharedDelayMs = { least: 20, spread: 100 }
/** Section 6.7: whoever asks from another port does not hear later what has changed. */
const legacyTtlSeconds = 10
/** Goodbyes of our own come back to us. */
const echoMs = 1000
/** RFC 6762 section 10.1: so long a goodbye takes to count. */
const goodbyeGraceMs = 1000
const authoritative = 0x400

/** Says on the local network which instances there are here, and answers whoever asks. What it says is all there is: nobody else keeps it. */
export class Responder {
  readonly #place: MdnsPlace
  readonly #random: Random
  readonly #entries = new Map<string, StandingEntry>()
  /** What is to be unique, while it is asked whether it is; with what others say of it. */
  readonly #probing = new Map<string, { readonly records: InstanceRecords; conflict: string | null }>()
  readonly #goodbyes = new Map<string, number>()
  /** When somebody else said goodbye for what stands here: readers ask about half a second later, and must not wait for the answer. */
  readonly #doubted = new Map<string, number>()
  #sockets: Promise<Sockets> | null = null

  constructor(place: MdnsPlace, random: Random) {
    this.#place = place
    this.#random = random
  }

  has(records: InstanceRecords): boolean {
    return this.#entries.has(keyOf(records))
  }

  /**
   * Announces an instance; one that was not announced before only when nobody else has its name.
   * @throws RegisterError `refused` where somebody has
   */
  async announce(records: InstanceRecords, signal: AbortSignal): Promise<void> {
    const sockets = await this.#open()
    const key = keyOf(records)
    if (!this.#entries.has(key)) await this.#probe(records, sockets, signal)
    this.#entries.get(key)?.end()
    const entry = new StandingEntry(records, () => void sockets.say(responseOf(announcementOf(records))))
    this.#entries.set(key, entry)
    entry.sayNow()
  }

  /** What somebody has made of an announced instance since this was asked before. Says it again where it was not said for `silentMs`. */
  standing(records: InstanceRecords, silentMs: number): Standing {
    const entry = this.#entries.get(keyOf(records))
    if (entry === undefined) return 'missing'
    if (!isSameRecords(entry.records, records)) return 'altered'
    const { standing } = entry
    entry.standing = 'present'
    if (entry.silentMs >= silentMs) entry.sayNow()
    return standing
  }

  /** Tells all that the instance is no more, and answers for it no longer. One that was not announced is fine. */
  async goodbye(records: InstanceRecords): Promise<void> {
    const key = keyOf(records)
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    entry.end()
    this.#entries.delete(key)
    this.#doubted.delete(key)
    this.#goodbyes.set(key, performance.now())
    await this.repeatGoodbye(entry.records)
  }

  /** A datagram may be lost. */
  async repeatGoodbye(records: InstanceRecords): Promise<void> {
    if (this.has(records) || this.#sockets === null) return
    await (await this.#sockets).say(responseOf(goodbyeOf(records)))
  }

  async close(): Promise<void> {
    for (const entry of this.#entries.values()) entry.end()
    this.#entries.clear()
    const sockets = await this.#sockets?.catch(() => null)
    this.#sockets = null
    sockets?.close()
  }

  #open(): Promise<Sockets> {
    this.#sockets ??= Sockets.open(this.#place, {
      asked: (query, from) => void this.#asked(query, from),
      heard: (response) => this.#heard(response),
      gainedWire: () => {
        for (const entry of this.#entries.values()) entry.sayAfter(0)
      },
      lost: () => void this.close(),
    }).catch((error: unknown) => {
      this.#sockets = null
      throw error
    })
    return this.#sockets
  }

  async #probe(records: InstanceRecords, sockets: Sockets, signal: AbortSignal): Promise<void> {
    const key = keyOf(records)
    const probe = { records, conflict: null as string | null }
    this.#probing.set(key, probe)
    try {
      await delay(this.#random() * probeGapMs, undefined, { signal })
      for (let sent = 0; sent < probes && probe.conflict === null; sent++) {
        await sockets.say({ type: 'query', questions: [everythingOf(records)], authorities: [records.location] })
        await delay(probeGapMs, undefined, { signal })
      }
    } finally {
      this.#probing.delete(key)
    }
    if (probe.conflict === null) return
    const message = `${records.name} is taken: it answers from ${probe.conflict}; give this instance another \`id\``
    throw new RegisterError('refused', message)
  }

  async #asked({ id, questions = [], answers = [], authorities = [] }: QueryPacket, from: RemoteInfo): Promise<void> {
    const sockets = await this.#sockets
    if (sockets === null) return
    const isLegacy = from.port !== this.#place.port
    const isProbe = authorities.length > 0
    for (const question of questions) {
      const listed = new Set<string>()
      for (const entry of this.#entries.values()) {
        const { records } = entry
        const listing = listingOf(records, this.#place.domain, question)
        if (listing !== null && !listed.has(records.service)) {
          listed.add(records.service)
          if (isLegacy) sockets.answer({ ...responseOf(listing), id, questions: [question] }, from)
          else await sockets.say(responseOf(listing))
        }
        const concern = concernOf(records, question)
        if (concern === 'none') continue
        if (isLegacy)
          sockets.answer({ ...legacyAnswer(records, concern === 'service'), id, questions: [question] }, from)
        // Whoever wants to have the name is told at once (RFC 6762 section 8.1).
        else if (isProbe || this.#isDoubted(keyOf(records))) entry.sayNow()
        else if (concern === 'itself') entry.sayAfter(0)
        else if (!isKnown(records, answers)) entry.sayAfter(sharedDelayMs.least + this.#random() * sharedDelayMs.spread)
      }
    }
  }

  #isDoubted(key: string): boolean {
    return performance.now() - (this.#doubted.get(key) ?? -Infinity) < goodbyeGraceMs
  }

  /** What others say of what is ours: goodbyes, and other places. */
  #heard({ locations }: Response): void {
    for (const { name, content, ttlMs } of locations) {
      const key = nameKey(name)
      const probe = this.#probing.get(key)
      if (probe !== undefined && ttlMs > 0 && !isSameLocation(probe.records.location, content)) {
        probe.conflict = `${content.target}:${content.port}`
      }
      const entry = this.#entries.get(key)
      if (entry === undefined) continue
      const isSame = isSameLocation(entry.records.location, content)
      const isEcho = performance.now() - (this.#goodbyes.get(key) ?? -Infinity) < echoMs
      if (ttlMs === 0 && isSame && !isEcho) {
        entry.standing = 'missing'
        this.#doubted.set(key, performance.now())
      } else if (ttlMs > 0 && !isSame) entry.standing = 'altered'
    }
  }
}

function keyOf({ name }: InstanceRecords): string {
  return nameKey(name)
}

/** The types leave ANY out, which is for questions alone. */
function everythingOf({ name }: InstanceRecords): Question {
  return { name, type: 'ANY' as Question['type'] }
}

function responseOf(answers: Answer[]): Packet {
  return { type: 'response', flags: authoritative, answers }
}

/** As whoever asked expects it who is no reader of mDNS, or go-micro: in one message, flushing nothing. */
function legacyAnswer({ pointer, unique, isGoMicro }: InstanceRecords, isOfService: boolean): Packet {
  const answers = isOfService ? [pointer, ...unique] : [...unique]
  if (isGoMicro) return responseOf(answers)
  return responseOf(answers.map((answer) => ({ ...answer, flush: false, ttl: legacyTtlSeconds }) as Answer))
}
