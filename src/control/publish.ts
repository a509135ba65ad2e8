import type { Ledger, LedgerShape } from '../core/ledger.ts'
import type { ControlMessage } from '../core/message.ts'
import type { ConfigSnapshot, PublishedEndpoint, PublishedService, SentService } from '../core/snapshot.ts'

/** What one data thread was told and what it acknowledged. */
interface Thread {
  readonly send: (message: ControlMessage) => void
  configAcknowledged: number
  /** The ledger's growth in what it was sent last. */
  growth: number
  /** Per service the list on its way, and the last one acknowledged. */
  readonly services: Map<string, { sent: PublishedService | null; acknowledged: PublishedService | null }>
}

/**
 * Hands configuration and lists to the data threads: whole lists, the latest wins, and at most one unacknowledged list per
 * service and thread, so that a slow thread costs no memory and no copying, and what it has already needs not be said again. A late or
 * replaced thread gets everything once.
 */
export class Publisher {
  readonly #ledger: Ledger
  readonly #threads = new Map<number, Thread>()
  readonly #services = new Map<string, PublishedService>()
  #config: ConfigSnapshot | null = null
  #tickets: Uint8Array | null = null
  /** Counts over all services, so that a service that went and came back never repeats a version. */
  #version = 0
  /** The last version before the configuration. */
  #forgotten = 0

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  addThread(id: number, send: (message: ControlMessage) => void): void {
    const thread: Thread = { send, configAcknowledged: 0, growth: -1, services: new Map() }
    this.#threads.set(id, thread)
    if (this.#tickets !== null) send({ type: 'tickets', secret: this.#tickets })
    for (const published of this.#services.values()) this.#offer(thread, published)
    // Last: with it the thread opens its listeners, and a request must not come before the lists.
    if (this.#config !== null) this.#sendConfig(thread, this.#config)
  }

  /** Replaces what the keys of session tickets are made of, in every thread. */
  shareTickets(secret: Uint8Array): void {
    this.#tickets = secret
    for (const { send } of this.#threads.values()) send({ type: 'tickets', secret })
  }

  /** A thread that is gone is no longer waited for. */
  removeThread(id: number): void {
    this.#threads.delete(id)
  }

  /** Replaces the configuration in every thread and forgets the services it does not name. */
  configure(config: ConfigSnapshot): void {
    this.#config = config
    this.#forgotten = this.#version
    const named = new Set(config.services.map(({ name }) => name))
    for (const service of this.#services.keys()) {
      if (named.has(service)) continue
      this.#services.delete(service)
      for (const thread of this.#threads.values()) thread.services.delete(service)
    }
    for (const thread of this.#threads.values()) this.#sendConfig(thread, config)
  }

  /** Replaces one service's list in every thread. @returns its version */
  publish(service: string, endpoints: readonly PublishedEndpoint[]): number {
    const published = { service, version: ++this.#version, endpoints }
    this.#services.set(service, published)
    for (const thread of this.#threads.values()) this.#offer(thread, published)
    return published.version
  }

  acknowledged(threadId: number, service: string, version: number): void {
    const thread = this.#threads.get(threadId)
    const state = thread?.services.get(service)
    const latest = this.#services.get(service)
    if (thread === undefined || state === undefined || latest === undefined || version !== state.sent?.version) return
    state.acknowledged = state.sent
    state.sent = null
    if (latest.version !== version) this.#offer(thread, latest)
  }

  configAcknowledged(threadId: number, version: number): void {
    const thread = this.#threads.get(threadId)
    if (thread !== undefined) thread.configAcknowledged = Math.max(thread.configAcknowledged, version)
  }

  /** The version of a service's list that every thread has, or a later one; Infinity without threads. */
  ackedByAll(service: string): number {
    let least = Infinity
    for (const { services } of this.#threads.values()) {
      least = Math.min(least, services.get(service)?.acknowledged?.version ?? 0)
    }
    return least
  }

  /** The same for the configuration. */
  configAckedByAll(): number {
    let least = Infinity
    for (const { configAcknowledged } of this.#threads.values()) least = Math.min(least, configAcknowledged)
    return least
  }

  #sendConfig(thread: Thread, snapshot: ConfigSnapshot): void {
    thread.send({ type: 'config', snapshot, forgotten: this.#forgotten, ledger: this.#newShape(thread) })
  }

  #offer(thread: Thread, published: PublishedService): void {
    let state = thread.services.get(published.service)
    if (state === undefined) {
      state = { sent: null, acknowledged: null }
      thread.services.set(published.service, state)
    }
    if (state.sent !== null) return
    state.sent = published
    thread.send({
      type: 'service',
      published: asSent(published, state.acknowledged),
      ledger: this.#newShape(thread),
    })
  }

  /** Null where the thread was sent all of it. */
  #newShape(thread: Thread): LedgerShape | null {
    const { growth } = this.#ledger
    if (growth === thread.growth) return null
    thread.growth = growth
    return this.#ledger.shape()
  }
}

/** @param known that the thread has; null = none */
function asSent(published: PublishedService, known: PublishedService | null): SentService {
  if (known === null) return published
  const unchanged = new Set(known.endpoints)
  const endpoints = published.endpoints.map((endpoint) => (unchanged.has(endpoint) ? endpoint.slot : endpoint))
  return { ...published, endpoints }
}
