import { isIPv4 } from 'node:net'
import type { Random } from '../../util/random.ts'
import { HeldRecord } from './held-record.ts'
import type { Heard } from './response.ts'

/** Of one host; it is not worth remembering more. */
const maxAddresses = 16

export interface AddressOrigin {
  readonly wire: string
  readonly isOwn: boolean
  /** The message also said where the instance is. */
  readonly hasLocation: boolean
}

/** An address and where it was heard. */
interface HeldAddress {
  readonly record: HeldRecord<string>
  wire: string
  isOwn: boolean
}

/**
 * The addresses of one instance. They are not shared by the instances of a host: all of go-micro's on a machine have its name for a
 * target, each with an address of its own (`127.0.0.1`, a container's), so that an address counts for the instance it came with.
 */
export class HeldAddresses {
  readonly #random: Random
  readonly #goodbyeMs: number
  readonly #held = new Map<string, HeldAddress>()

  constructor(random: Random, goodbyeMs: number) {
    this.#random = random
    this.#goodbyeMs = goodbyeMs
  }

  get size(): number {
    return this.#held.size
  }

  /** @param heard those of the instance's host, of one message */
  hear(heard: readonly Heard<string>[], origin: AddressOrigin, nowMs: number): void {
    for (const each of heard) this.#hearOne(each, origin, nowMs)
    const living = heard.filter(({ ttlMs }) => ttlMs > 0)
    const isWhole = origin.hasLocation || living.some(({ isFlush }) => isFlush)
    if (isWhole && living.length > 0) this.#keepOnly(living, origin)
  }

  *records(): Generator<HeldRecord<string>> {
    for (const { record } of this.#held.values()) yield record
  }

  isHeardOn(wire: string): boolean {
    return [...this.#held.values()].some((held) => held.wire === wire)
  }

  forget(nowMs: number): void {
    for (const [address, { record }] of this.#held) if (record.isOver(nowMs)) this.#held.delete(address)
  }

  /** The usable one that is closest, the same one while the addresses are the same; null when there is none. */
  best(isOnLink: (address: string) => boolean): string | null {
    let best: { rank: number; address: string } | null = null
    for (const [address, { isOwn }] of this.#held) {
      const rank = rankOf(address, isOwn, isOnLink)
      if (rank === null) continue
      if (best === null || rank < best.rank || (rank === best.rank && address < best.address)) best = { rank, address }
    }
    return best?.address ?? null
  }

  #hearOne(heard: Heard<string>, { wire, isOwn, hasLocation }: AddressOrigin, nowMs: number): void {
    const held = this.#held.get(heard.content)
    if (heard.ttlMs === 0) held?.record.endBy(nowMs + this.#goodbyeMs)
    else if (held !== undefined) {
      held.record.hear(heard, nowMs)
      held.wire = wire
      held.isOwn = isOwn
    } else if ((hasLocation || heard.isFlush || this.#held.size === 0) && this.#held.size < maxAddresses) {
      this.#held.set(heard.content, { record: new HeldRecord(heard, nowMs, this.#random), wire, isOwn })
    }
  }

  /**
   * What else was heard on this wire is no longer true; a host may say other addresses on another. RFC 6762 section 10.2 has them live
   * for a second more, for sets that come in several messages: a host's addresses don't. Go-micro never flushes, and says all it
   * has with every location.
   */
  #keepOnly(living: readonly Heard<string>[], { wire, hasLocation }: AddressOrigin): void {
    const said = new Set(living.map(({ content }) => content))
    const families = new Set(living.map(({ content }) => isIPv4(content)))
    for (const [address, held] of this.#held) {
      const isSaidAbout = hasLocation || families.has(isIPv4(address))
      if (held.wire === wire && isSaidAbout && !said.has(address)) this.#held.delete(address)
    }
  }
}

/** Null for what can't be connected to, or must not be: another machine's `127.0.0.1` is ours. */
function rankOf(address: string, isOwn: boolean, isOnLink: (address: string) => boolean): number | null {
  if (isIPv4(address)) {
    const first = Number(address.slice(0, address.indexOf('.')))
    if (first === 0 || first >= 224) return null
    if (first === 127) return isOwn ? 0 : null
    return isOnLink(address) ? 0 : 1
  }
  if (address === '::1') return isOwn ? 2 : null
  // Link-local addresses mean nothing without their interface; nor do unspecified, multicast and mapped ones here.
  return /^(?:fe[89ab].:|ff..:|::$|::ffff:)/i.test(address) ? null : 2
}
