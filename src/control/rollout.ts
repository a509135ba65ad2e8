import type { ListenAddress, ListenError } from '../core/message.ts'

/** What the data threads made of one version of the configuration. */
export interface RolloutResult {
  /** One per listener that was newly opened. */
  readonly addresses: readonly ListenAddress[]
  /** One per listener that a thread has not opened. */
  readonly errors: readonly ListenError[]
}

/** Follows each configuration into the data threads, so that somebody can wait until all of them serve by it. */
export class Rollout {
  readonly #threads: number
  readonly #onUnopened: (error: ListenError) => void
  /** Latest version that each running thread applied. */
  readonly #applied = new Map<number, number>()
  readonly #waiting = new Set<{
    version: number
    resolve: (result: RolloutResult) => void
    reject: (reason: Error) => void
  }>()
  /** What they applied counts for nothing. */
  readonly #leaving = new Set<number>()
  #addresses = new Map<string, ListenAddress>()
  /** What each running thread could not open, the last time that it tried. */
  readonly #errors = new Map<number, readonly ListenError[]>()
  #isClosed = false

  /**
   * @param threads how many have to apply a version before it counts as in force
   * @param onUnopened called once when a thread can't open a listener, until all have it
   */
  constructor(threads: number, onUnopened: (error: ListenError) => void = () => {}) {
    this.#threads = threads
    this.#onUnopened = onUnopened
  }

  applied(thread: number, version: number, result: RolloutResult): void {
    if (this.#leaving.has(thread)) return
    this.#applied.set(thread, version)
    for (const address of result.addresses) this.#addresses.set(address.listener, address)
    const known = new Set(this.#unopened().map(({ listener }) => listener))
    this.#errors.set(thread, result.errors)
    for (const error of result.errors) if (!known.has(error.listener)) this.#onUnopened(error)
    this.#check()
  }

  threadLost(thread: number): void {
    this.#forget(thread)
    this.#leaving.delete(thread)
  }

  /** It serves nobody new any more: another is there in its stead. */
  threadLeaves(thread: number): void {
    this.#forget(thread)
    this.#leaving.add(thread)
  }

  /** Resolves when every thread serves by that version, a later one, or its replacement does; rejects when it is closed first. */
  inForce(version: number): Promise<RolloutResult> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(closedError())
      this.#waiting.add({ version, resolve, reject })
      this.#check()
    })
  }

  /** No thread will apply anything any more. */
  close(): void {
    this.#isClosed = true
    for (const { reject } of this.#waiting) reject(closedError())
    this.#waiting.clear()
  }

  #check(): void {
    for (const waiting of this.#waiting) {
      const threads = [...this.#applied.values()].filter((version) => version >= waiting.version).length
      if (threads < this.#threads) continue
      this.#waiting.delete(waiting)
      waiting.resolve({ addresses: [...this.#addresses.values()], errors: this.#unopened() })
      this.#addresses = new Map()
    }
  }

  #forget(thread: number): void {
    this.#applied.delete(thread)
    this.#errors.delete(thread)
  }

  #unopened(): readonly ListenError[] {
    const errors = [...this.#errors.values()].flat()
    return [...new Map(errors.map((error) => [error.listener, error])).values()]
  }
}

function closedError(): Error {
  return new Error('the gateway ended before the configuration was in force')
}
