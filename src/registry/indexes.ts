import type { Check } from './model.ts'

/** What a query reads, as far as it can change apart: all services, one name's, all checks, those of services, one service's, one status's. */
export type Rows =
  | 'services'
  | `services:${string}`
  | 'checks'
  | 'service-checks'
  | `checks:${string}`
  | `status:${string}`

/** The index of each kind of query. A blocking query ends when its index has grown and a commit has touched rows it reads. */
export interface IndexReader {
  readonly nodes: number
  readonly services: number
  readonly checks: number
  /**
   * For a service that has instances, its own last change. For one that has none, the last time any service lost its last instance,
   * so that a waiting client learns of its own service's end; before the first such end, any change at all.
   */
  ofService(name: string, withChecks: boolean): number
  /** The services whose own indexes the latest commit moved. */
  readonly moved: ReadonlySet<string> | 'all'
  /** Whether a service has an index of its own, as it has while it has instances. */
  isKnown(name: string): boolean
  /** Whether the latest commit touched these rows. */
  wasTouched(rows: Rows): boolean
}

/**
 * What `X-Consul-Index` says for each kind of query, after Consul 1.8: one counter, and for each table and each service the count at
 * its last change, so that a watcher of one service sleeps through changes of others. Kept in step with a real Consul by the parity test.
 */
export class Indexes implements IndexReader {
  #nodes = 1
  #services = 1
  #checks = 1
  #last = 1
  #lastExtinction = 0
  readonly #byService = new Map<string, number>()
  #touched = new Set<Rows>()
  #touching = new Set<Rows>()
  #moved: ReadonlySet<string> | 'all' = 'all'
  #moving = new Set<string>()
  #areAllMoving = false

  /** Every index is 1 from here on, as if the services of these names, all that there are, had come with the first commit. */
  reset(services: readonly string[]): void {
    this.#nodes = this.#services = this.#checks = this.#last = 1
    this.#lastExtinction = 0
    this.#byService.clear()
    for (const name of services) this.#byService.set(name, 1)
    this.#touched = new Set()
    this.#moved = 'all'
  }

  /** The index that the commit under way gives to what it changes. */
  get next(): number {
    return this.#last + 1
  }

  get nodes(): number {
    return this.#nodes
  }

  get services(): number {
    return this.#services
  }

  get checks(): number {
    return this.#checks
  }

  ofService(name: string, withChecks: boolean): number {
    const own = this.#byService.get(name)
    if (own !== undefined) return own
    if (this.#lastExtinction > 0) return this.#lastExtinction
    return Math.max(this.#nodes, this.#services, withChecks ? this.#checks : 0)
  }

  get moved(): ReadonlySet<string> | 'all' {
    return this.#moved
  }

  isKnown(name: string): boolean {
    return this.#byService.has(name)
  }

  wasTouched(rows: Rows): boolean {
    return this.#touched.has(rows)
  }

  serviceChanged(name: string): void {
    this.#services = this.next
    this.#move(name)
    this.#touch('services', `services:${name}`)
  }

  /** `wasLast` where no service of that name is left. */
  serviceRemoved(name: string, wasLast: boolean): void {
    this.serviceChanged(name)
    // Consul moves the checks table even where the service had none.
    this.#checks = this.next
    if (!wasLast) return
    this.#byService.delete(name)
    this.#lastExtinction = this.next
  }

  /** A check of the node is news for every service on it. */
  checkChanged(check: Check, before: Check | undefined): void {
    this.checkRepeated(check)
    if (before) this.#touch(`status:${before.status}`)
    if (check.serviceName) return this.#move(check.serviceName)
    this.#areAllMoving = true
    for (const name of this.#byService.keys()) this.#byService.set(name, this.next)
  }

  /** Consul moves the table's index even when a check is registered as it was; its service's watchers sleep on. */
  checkRepeated(check: Check): void {
    this.#checks = this.next
    this.#touch('checks', `status:${check.status}`)
    if (check.serviceName) this.#touch('service-checks', `checks:${check.serviceName}`)
  }

  checkRemoved(check: Check): void {
    this.checkChanged(check, undefined)
    // Consul moves the services table too when a node's check goes, though not when it changes.
    if (!check.serviceName) this.#services = this.next
  }

  /** Ends the commit under way: later changes get a higher index. */
  advance(): void {
    this.#last += 1
    this.#touched = this.#touching
    this.#touching = new Set()
    this.#moved = this.#areAllMoving ? 'all' : this.#moving
    this.#moving = new Set()
    this.#areAllMoving = false
  }

  #move(name: string): void {
    this.#byService.set(name, this.next)
    this.#moving.add(name)
  }

  #touch(...rows: Rows[]): void {
    for (const row of rows) this.#touching.add(row)
  }
}
