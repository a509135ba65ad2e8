/**
 * What `X-Consul-Index` says for each kind of query, after Consul 1.8: one counter, and for each table and each service the count at
 * its last change, so that a watcher of one service sleeps through changes of others. Kept in step with a real Consul by the parity test.
 */
export class Indexes {
  #nodes = 1
  #services = 1
  #checks = 1
  #last = 1
  #lastExtinction = 0
  readonly #byService = new Map<string, number>()

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

  /**
   * For a service that has instances, its own last change. For one that has none, the last time any service lost its last instance,
   * so that a waiting client learns of its own service's end; before the first such end, any change at all.
   */
  ofService(name: string, withChecks: boolean): number {
    const own = this.#byService.get(name)
    if (own !== undefined) return own
    if (this.#lastExtinction > 0) return this.#lastExtinction
    return Math.max(this.#nodes, this.#services, withChecks ? this.#checks : 0)
  }

  serviceChanged(name: string): void {
    this.#services = this.next
    this.#byService.set(name, this.next)
  }

  serviceRemoved(name: string, wasLast: boolean): void {
    this.#services = this.next
    this.#checks = this.next
    if (wasLast) {
      this.#byService.delete(name)
      this.#lastExtinction = this.next
    } else {
      this.#byService.set(name, this.next)
    }
  }

  /** A check of the node (empty service name) is news for every service on it. */
  checkChanged(serviceName: string): void {
    this.#checks = this.next
    if (serviceName) this.#byService.set(serviceName, this.next)
    else for (const name of this.#byService.keys()) this.#byService.set(name, this.next)
  }

  checkRemoved(serviceName: string): void {
    this.checkChanged(serviceName)
    // Consul touches the services table too when a node's check goes, though not when it changes.
    if (!serviceName) this.#services = this.next
  }

  /** Ends the commit under way: later changes get a higher index. */
  advance(): void {
    this.#last += 1
  }
}
