import type { Instance } from '../../core/instance.ts'
import type { Random } from '../../util/random.ts'
import { toHost } from '../host-name.ts'
import { HeldAddresses } from './held-addresses.ts'
import { HeldRecord } from './held-record.ts'
import type { MdnsLimits } from './options.ts'
import { nameKey, type Heard, type Location } from './response.ts'
import { readServiceText, type ServiceText } from './service-text.ts'

export interface InstanceContext {
  readonly limits: MdnsLimits
  readonly random: Random
  /** Whether an address is on one of this machine's wires. */
  readonly isOnLink: (address: string) => boolean
}

/** What of an instance follows from its service. */
export interface InstanceRules extends InstanceContext {
  /** Whether every name that ends with the service's is an instance of it. */
  readonly isType: boolean
}

/** What an instance is told by. */
export type Part = 'pointer' | 'location' | 'text' | 'addresses'

interface HeldText {
  readonly record: HeldRecord<readonly Buffer[]>
  text: ServiceText | string
}

/**
 * One instance's records. An announcement of go-micro's has no pointer, only what it would point to: the instance is there while
 * it has a location, and none of its pointers was taken back.
 */
export class AnnouncedInstance {
  /** In its own case. */
  readonly name: string
  /** What stands before the service in its name. */
  readonly id: string
  readonly addresses: HeldAddresses
  readonly #context: InstanceRules
  readonly #firstHeardAtMs: number
  #pointer: HeldRecord<string> | null = null
  #location: HeldRecord<Location> | null = null
  #text: HeldText | null = null
  #hasLeft = false

  constructor(name: string, id: string, context: InstanceRules, nowMs: number) {
    this.name = name
    this.id = id
    this.addresses = new HeldAddresses(context.random, context.limits.goodbyeMs)
    this.#context = context
    this.#firstHeardAtMs = nowMs
  }

  /** Its host's name; null while it is not known. */
  get target(): string | null {
    return this.#location?.content.target ?? null
  }

  get pointer(): HeldRecord<string> | null {
    return this.#pointer
  }

  /** It said goodbye, and nobody said since that it goes on. */
  get isLeaving(): boolean {
    return (this.#pointer?.isLeaving ?? false) || (this.#location?.isLeaving ?? false)
  }

  /** The service that its text names; null where it names none. */
  get textService(): string | null {
    const text = this.#text?.text
    return typeof text === 'object' ? text.service : null
  }

  /** Whether it is told apart from the instances of services whose names end like this one's. */
  get isCertain(): boolean {
    return this.#pointer !== null || this.textService !== null || this.#context.isType
  }

  /** Nothing holds any more of what makes it an instance. */
  get isGone(): boolean {
    return this.#hasLeft || (this.#pointer === null && this.#location === null)
  }

  /** @returns whether it was taken back */
  hearPointer(heard: Heard<string>, nowMs: number): boolean {
    return this.#hear(this.#pointer, heard, { nowMs, set: (record) => (this.#pointer = record) })
  }

  /** @returns whether it was taken back */
  hearLocation(heard: Heard<Location>, nowMs: number): boolean {
    const isSame = this.#location !== null && isSameLocation(this.#location.content, heard.content)
    // A goodbye to where it was before says nothing of where it is now.
    if (heard.ttlMs === 0 && !isSame) return false
    // Where it is now is news, whatever was said of where it was.
    const held = isSame ? this.#location : null
    return this.#hear(held, heard, { nowMs, set: (record) => (this.#location = record) })
  }

  /** @param mayRead whether a text that is not the one before can be read now; if not, it is to be asked for again */
  hearText(heard: Heard<readonly Buffer[]>, nowMs: number, mayRead: () => boolean): void {
    const held = this.#text
    const isSame = held !== null && areSameStrings(held.record.content, heard.content)
    if (heard.ttlMs === 0) {
      if (isSame) held.record.endBy(nowMs + this.#context.limits.goodbyeMs)
      return
    }
    if (!isSame && !mayRead()) return
    const text = isSame ? held.text : readServiceText(heard.content)
    this.#text = { record: new HeldRecord(heard, nowMs, this.#context.random), text }
  }

  /** Lets go of what is over. */
  forget(nowMs: number): void {
    if (this.#pointer?.isOver(nowMs)) {
      this.#pointer = null
      this.#hasLeft = true
    }
    if (this.#location?.isOver(nowMs)) {
      this.#location = null
      this.#hasLeft = true
    }
    if (this.#text?.record.isOver(nowMs)) this.#text = null
    this.addresses.forget(nowMs)
  }

  /** What is to be asked for: again because it ends soon, or because it was never heard. */
  takeWanted(nowMs: number): Set<Part> {
    const wanted = new Set<Part>()
    if (this.#pointer?.takeRefresh(nowMs)) wanted.add('pointer')
    if (this.#location?.takeRefresh(nowMs)) wanted.add('location')
    if (this.#text?.record.takeRefresh(nowMs)) wanted.add('text')
    for (const record of this.addresses.records()) if (record.takeRefresh(nowMs)) wanted.add('addresses')
    return wanted
  }

  missing(): Set<Part> {
    const missing = new Set<Part>()
    if (this.#location === null) missing.add('location')
    else if (this.addresses.size === 0) missing.add('addresses')
    if (this.#text === null) missing.add('text')
    if (!this.isCertain) missing.add('pointer')
    return missing
  }

  dueAtMs(nowMs: number): number {
    const endOfPatienceMs = this.#firstHeardAtMs + this.#context.limits.incompleteMs
    let dueAtMs = endOfPatienceMs > nowMs && this.missing().size > 0 ? endOfPatienceMs : Infinity
    for (const record of this.#records()) dueAtMs = Math.min(dueAtMs, record.dueAtMs)
    return dueAtMs
  }

  /** The instance, why it can't be one, or null while that is not known. */
  toInstance(nowMs: number): Instance | string | null {
    if (!this.isCertain) return null
    const isPatient = nowMs < this.#firstHeardAtMs + this.#context.limits.incompleteMs
    const location = this.#location?.content
    if (location === undefined) return isPatient ? null : 'nobody says where it is: it has no SRV record'
    const text = this.#text?.text
    // RFC 6763 section 6.1: no TXT record is as good as an empty one. That there is none shows with time.
    if (text === undefined && isPatient) return null
    if (typeof text === 'string') return text
    if (location.port === 0) return 'its SRV record has port 0: it says that it serves nothing'
    const hasAddress = this.addresses.size > 0
    if (!hasAddress && isPatient) return null
    const host = hasAddress ? this.addresses.best(this.#context.isOnLink) : hostNameOf(location.target)
    if (host === null) return this.#whyNoAddress(location.target)
    const meta = text?.meta ?? {}
    return Object.freeze({
      id: this.id,
      node: '',
      host,
      port: location.port,
      // Responders leave it at 0, which means that there is nothing to choose by (RFC 2782).
      weight: location.weight || 1,
      zone: meta.zone ?? '',
      version: text?.version ?? '',
      tags: meta.tags === undefined || meta.tags === '' ? [] : meta.tags.split(','),
      meta,
      status: 'passing',
    })
  }

  *#records(): Generator<HeldRecord<unknown>> {
    if (this.#pointer !== null) yield this.#pointer
    if (this.#location !== null) yield this.#location
    if (this.#text !== null) yield this.#text.record
    yield* this.addresses.records()
  }

  #hear<Content>(
    held: HeldRecord<Content> | null,
    heard: Heard<Content>,
    { nowMs, set }: { nowMs: number; set: (record: HeldRecord<Content>) => void },
  ): boolean {
    const { goodbyeMs } = this.#context.limits
    if (heard.ttlMs === 0) {
      held?.hearGoodbye(nowMs, goodbyeMs)
      return held !== null
    }
    if (held?.mayBeLate(nowMs, goodbyeMs)) return false
    if (held === null) set(new HeldRecord(heard, nowMs, this.#context.random))
    else held.hear(heard, nowMs)
    return false
  }

  #whyNoAddress(target: string): string {
    if (this.addresses.size === 0) return `its host ${JSON.stringify(target)} has no address`
    return `no address of its host ${JSON.stringify(target)} can be connected to from here`
  }
}

function isSameLocation(one: Location, other: Location): boolean {
  return one.port === other.port && nameKey(one.target) === nameKey(other.target)
}

function areSameStrings(one: readonly Buffer[], other: readonly Buffer[]): boolean {
  return one.length === other.length && one.every((bytes, index) => other[index]?.equals(bytes) ?? false)
}

/** RFC 6763 section 5 lets a target be a name of the ordinary DNS; one of `.local` or without a dot is not. */
function hostNameOf(target: string): string | null {
  return target.includes('.') && !/\.local\.?$/i.test(target) ? toHost(target) : null
}
