import { isDeepStrictEqual } from 'node:util'
import { Indexes, type IndexReader } from './indexes.ts'
import { Leadership } from './leadership.ts'
import type { Check, Node, Service } from './model.ts'

interface Indexed {
  readonly createIndex: number
  readonly modifyIndex: number
}

export type ServiceRow = Service & Indexed
export type CheckRow = Check & Indexed

/** What the servers of a Consul datacenter know, as opposed to what an agent knows. Each change is one commit, with one index. */
export class Catalog {
  readonly node: Node
  readonly leadership: Leadership
  readonly #services = new Map<string, ServiceRow>()
  readonly #servicesByName = new Map<string, Map<string, ServiceRow>>()
  readonly #checks = new Map<string, CheckRow>()
  readonly #checksByService = new Map<string, Map<string, CheckRow>>()
  readonly #indexes = new Indexes()
  readonly #listeners = new Set<() => void>()
  /** Of those who wait for a service that has instances: ten thousand of them may wait, and mostly one is concerned. */
  readonly #listenersByService = new Map<string, Set<() => void>>()
  /** Changes that wait for a leader: an agent knows of them before its servers do. */
  #pending: (() => void)[] = []
  #era = 0

  constructor(node: Node, leadership = new Leadership()) {
    this.node = node
    this.leadership = leadership
    leadership.onReturn(() => {
      const changes = this.#pending
      this.#pending = []
      for (const change of changes) change()
    })
  }

  get era(): number {
    return this.#era
  }

  get indexes(): IndexReader {
    return this.#indexes
  }

  get lastIndex(): number {
    return this.#indexes.next - 1
  }

  /** Adds or replaces a service and checks together. A service that is known already is no change. */
  register(service: Service | null, checks: readonly Check[]): void {
    if (this.#waitForLeader(() => this.register(service, checks))) return
    const index = this.#indexes.next
    let isChanged = false
    if (service) {
      const row = changedRow(this.#services.get(service.id), service, index)
      if (row) {
        this.#putService(row)
        this.#indexes.serviceChanged(service.name)
        isChanged = true
      }
    }
    for (const check of checks) {
      const before = this.#checks.get(check.id)
      const row = changedRow(before, check, index)
      if (row) {
        this.#putCheck(row)
        this.#indexes.checkChanged(row, before)
      } else {
        this.#indexes.checkRepeated(check)
      }
      isChanged = true
    }
    if (isChanged) this.#commit()
  }

  /** Removes a service with its checks. */
  deregisterService(id: string): void {
    if (this.#waitForLeader(() => this.deregisterService(id))) return
    const service = this.#services.get(id)
    if (!service) return
    this.#dropService(service)
    for (const check of this.#checksByService.get(id)?.values() ?? []) {
      this.#checks.delete(check.id)
      this.#indexes.checkRemoved(check)
    }
    this.#checksByService.delete(id)
    this.#indexes.serviceRemoved(service.name, this.instances(service.name).length === 0)
    this.#commit()
  }

  deregisterCheck(id: string): void {
    if (this.#waitForLeader(() => this.deregisterCheck(id))) return
    const check = this.#checks.get(id)
    if (!check) return
    this.#checks.delete(id)
    this.#checksByService.get(check.serviceId)?.delete(id)
    this.#indexes.checkRemoved(check)
    this.#commit()
  }

  /**
   * Begins to count anew, as Consul does when an older snapshot is restored: every index is 1, below any that a client has seen, and
   * whoever waits is answered. What is registered stays.
   */
  resetIndex(): void {
    const fresh = { createIndex: 1, modifyIndex: 1 }
    for (const row of this.#services.values()) this.#putService({ ...row, ...fresh })
    for (const row of this.#checks.values()) this.#putCheck({ ...row, ...fresh })
    this.#indexes.reset(this.services().map(({ name }) => name))
    this.#era += 1
    this.#tell()
  }

  /** An index reset, after which only those rows are there whose ids are kept. */
  forget(isKept: (id: string) => boolean): void {
    const checks = this.checks().filter(({ id }) => isKept(id))
    for (const row of this.#services.values()) if (!isKept(row.id)) this.#dropService(row)
    this.#checks.clear()
    this.#checksByService.clear()
    for (const row of checks) this.#putCheck(row)
    this.#pending = []
    this.resetIndex()
  }

  service(id: string): ServiceRow | undefined {
    return this.#services.get(id)
  }

  /** By id, as Consul lists them. */
  services(): ServiceRow[] {
    return [...this.#services.values()].toSorted(byId)
  }

  /** The services registered under one name, by id. */
  instances(name: string): ServiceRow[] {
    return [...(this.#servicesByName.get(name)?.values() ?? [])].toSorted(byId)
  }

  checks(): CheckRow[] {
    return [...this.#checks.values()].toSorted(byId)
  }

  /** The checks of one service, or of the node for an empty id; by id. */
  checksOf(serviceId: string): CheckRow[] {
    return [...(this.#checksByService.get(serviceId)?.values() ?? [])].toSorted(byId)
  }

  /** Calls back after each commit, until the returned function is called; with a service at least after those that move its index. */
  onCommit(listener: () => void, service?: string): () => void {
    const ofService = service !== undefined && this.#indexes.isKnown(service) ? service : null
    if (ofService === null) this.#listeners.add(listener)
    else this.#listenersOf(ofService).add(listener)
    return () => {
      this.#listeners.delete(listener)
      if (ofService === null) return
      const siblings = this.#listenersByService.get(ofService)
      if (siblings?.delete(listener) && siblings.size === 0) this.#listenersByService.delete(ofService)
    }
  }

  #listenersOf(service: string): Set<() => void> {
    const listeners = this.#listenersByService.get(service) ?? new Set()
    this.#listenersByService.set(service, listeners)
    return listeners
  }

  #putService(row: ServiceRow): void {
    const before = this.#services.get(row.id)
    if (before !== undefined && before.name !== row.name) this.#dropService(before)
    this.#services.set(row.id, row)
    const siblings = this.#servicesByName.get(row.name) ?? new Map<string, ServiceRow>()
    this.#servicesByName.set(row.name, siblings.set(row.id, row))
  }

  #dropService({ id, name }: ServiceRow): void {
    this.#services.delete(id)
    const siblings = this.#servicesByName.get(name)
    if (siblings?.delete(id) && siblings.size === 0) this.#servicesByName.delete(name)
  }

  #putCheck(row: CheckRow): void {
    this.#checks.set(row.id, row)
    const siblings = this.#checksByService.get(row.serviceId) ?? new Map<string, CheckRow>()
    this.#checksByService.set(row.serviceId, siblings.set(row.id, row))
  }

  #waitForLeader(change: () => void): boolean {
    if (this.leadership.isLost) this.#pending.push(change)
    return this.leadership.isLost
  }

  #commit(): void {
    this.#indexes.advance()
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
    const { moved } = this.#indexes
    for (const service of moved === 'all' ? [...this.#listenersByService.keys()] : moved) {
      const listeners = this.#listenersByService.get(service)
      if (listeners === undefined) continue
      for (const listener of listeners) listener()
      if (this.#indexes.isKnown(service)) continue
      // The index of a service that is no more follows those of others.
      this.#listenersByService.delete(service)
      for (const listener of listeners) this.#listeners.add(listener)
    }
  }
}

/** The row to store, or undefined where it would say what is stored already. */
function changedRow<Value extends object>(
  stored: (Value & Indexed) | undefined,
  value: Value,
  index: number,
): (Value & Indexed) | undefined {
  const row = { ...value, createIndex: stored?.createIndex ?? index, modifyIndex: stored?.modifyIndex ?? index }
  if (stored && isDeepStrictEqual(stored, row)) return undefined
  return { ...row, modifyIndex: index }
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1
}
