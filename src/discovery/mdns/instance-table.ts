import type { SkippedEntry } from '../contract.ts'
import { AnnouncedInstance, type InstanceContext, type InstanceRules } from './announced-instance.ts'
import { nameKey, type Response } from './response.ts'
import type { ServiceName } from './service-name.ts'
import { TextBudget } from './text-budget.ts'

/** Of names that are not taken in; what comes after them is not worth a word any more. */
const maxRefused = 20

/** What a response changed. */
export interface Changes {
  readonly instances: ReadonlySet<AnnouncedInstance>
  /** One of them said goodbye. */
  readonly hasGoodbye: boolean
}

/** The instances of one service that were heard of. */
export class InstanceTable {
  readonly #service: string
  readonly #name: ServiceName
  readonly #context: InstanceRules
  readonly #instances = new Map<string, AnnouncedInstance>()
  readonly #refused = new Map<string, SkippedEntry>()

  readonly #texts: TextBudget

  constructor(service: string, name: ServiceName, context: InstanceContext, nowMs: number) {
    this.#service = service
    this.#name = name
    this.#context = { ...context, isType: name.isType }
    this.#texts = new TextBudget(context.limits.maxInstances, nowMs)
  }

  get instances(): IterableIterator<AnnouncedInstance> {
    return this.#instances.values()
  }

  get refused(): Iterable<SkippedEntry> {
    return this.#refused.values()
  }

  hear(response: Response, nowMs: number): Changes {
    const changed = new Set<AnnouncedInstance>()
    const located = new Set<AnnouncedInstance>()
    let hasGoodbye = false
    for (const heard of response.pointers) {
      if (heard.key !== this.#name.key) continue
      const instance = this.#instanceOf(heard.content, heard.ttlMs, nowMs)
      if (instance === null) continue
      hasGoodbye = instance.hearPointer(heard, nowMs) || hasGoodbye
      changed.add(instance)
    }
    for (const heard of response.locations) {
      if (!heard.key.endsWith(this.#name.instanceEnd)) continue
      const instance = this.#instanceOf(heard.name, heard.ttlMs, nowMs)
      if (instance === null) continue
      hasGoodbye = instance.hearLocation(heard, nowMs) || hasGoodbye
      located.add(instance)
      changed.add(instance)
    }
    for (const heard of response.texts) {
      const instance = this.#instances.get(heard.key)
      if (instance === undefined) continue
      instance.hearText(heard, nowMs, () => this.#texts.take(nowMs))
      changed.add(instance)
    }
    for (const instance of this.#hearAddresses(response, located, nowMs)) changed.add(instance)
    for (const instance of changed) if (this.#isForeign(instance)) this.#instances.delete(nameKey(instance.name))
    return { instances: changed, hasGoodbye }
  }

  /** Lets go of what is over. */
  forget(nowMs: number): void {
    for (const [key, instance] of this.#instances) {
      instance.forget(nowMs)
      if (instance.isGone) this.#instances.delete(key)
    }
  }

  dueAtMs(nowMs: number): number {
    let dueAtMs = Infinity
    for (const instance of this.#instances.values()) dueAtMs = Math.min(dueAtMs, instance.dueAtMs(nowMs))
    return dueAtMs
  }

  isHeardOn(wire: string): boolean {
    return [...this.#instances.values()].some(({ addresses }) => addresses.isHeardOn(wire))
  }

  /** Those that come with locations are of the instances located; those that come alone are of all instances of their host. */
  *#hearAddresses(
    { addresses, locations, wire, isOwn }: Response,
    located: ReadonlySet<AnnouncedInstance>,
    nowMs: number,
  ): Generator<AnnouncedInstance> {
    if (addresses.length === 0) return
    const hasLocation = locations.length > 0
    const byHost = Map.groupBy(addresses, ({ key }) => key)
    for (const instance of hasLocation ? located : this.#instances.values()) {
      const target = instance.target
      if (target === null) continue
      const its = byHost.get(nameKey(target))
      if (its === undefined) continue
      instance.addresses.hear(its, { wire, isOwn, hasLocation }, nowMs)
      yield instance
    }
  }

  /** The instance of that name, made when it is new; null when there is none, or none more can be remembered. */
  #instanceOf(name: string, ttlMs: number, nowMs: number): AnnouncedInstance | null {
    const key = nameKey(name)
    const known = this.#instances.get(key)
    if (known !== undefined || ttlMs === 0) return known ?? null
    const id = name.slice(0, -this.#name.instanceEnd.length)
    if (id === '' || !key.endsWith(this.#name.instanceEnd)) {
      this.#refuse(name, 'its name does not end with that of the service')
      return null
    }
    const { maxInstances } = this.#context.limits
    if (this.#instances.size >= maxInstances) {
      this.#refuse('further instances', `${maxInstances} are known, and more are not remembered`)
      return null
    }
    const instance = new AnnouncedInstance(name, id, this.#context, nowMs)
    this.#instances.set(key, instance)
    return instance
  }

  #refuse(entry: string, reason: string): void {
    if (this.#refused.size < maxRefused) this.#refused.set(entry, { service: this.#service, entry, reason })
  }

  /** Go-micro's services `user` and `api.user` end alike, and so do their instances: the text tells. */
  #isForeign({ textService }: AnnouncedInstance): boolean {
    return textService !== null && nameKey(textService) !== nameKey(this.#service)
  }
}
