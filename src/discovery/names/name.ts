import { isDeepStrictEqual } from 'node:util'
import { fullJitterMs } from '../../util/backoff.ts'
import type { Clock } from '../../util/clock.ts'
import type { Random } from '../../util/random.ts'
import type { Dns } from './dns.ts'
import { lookUp } from './look-up.ts'

export interface NameContext {
  readonly dns: Dns
  readonly clock: Clock
  readonly random: Random
  /** Once per row of failures. */
  readonly onUnresolved: (name: string, reason: string) => void
}

const retryBaseMs = 500
const retryMaxMs = 30_000

/**
 * A host name and its addresses, kept fresh while somebody listens. Addresses once found stay until others are found: a failure
 * takes nothing away.
 */
export class Name {
  readonly name: string
  readonly #context: NameContext
  readonly #listeners = new Set<() => void>()
  #addresses: readonly string[] = []
  #wasAsked = false
  #isAsking = false
  #failures = 0
  #dueAtMs = 0
  #timer: NodeJS.Timeout | null = null

  constructor(name: string, context: NameContext) {
    this.name = name
    this.#context = context
  }

  /** Empty until the name was found for the first time. */
  get addresses(): readonly string[] {
    return this.#addresses
  }

  /** Whether the first lookup has ended, however. */
  get wasAsked(): boolean {
    return this.#wasAsked
  }

  /** `listener` is called when the first lookup has ended and when the addresses have changed, never from within this call. */
  listen(listener: () => void): void {
    this.#listeners.add(listener)
    this.#schedule()
  }

  unlisten(listener: () => void): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size > 0 || this.#timer === null) return
    clearTimeout(this.#timer)
    this.#timer = null
  }

  #schedule(): void {
    if (this.#timer !== null || this.#isAsking || this.#listeners.size === 0) return
    const waitMs = Math.max(0, this.#dueAtMs - this.#context.clock.now())
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#ask()
    }, waitMs)
    // Looking again is no reason for a process to live on.
    if (this.#wasAsked) this.#timer.unref()
  }

  async #ask(): Promise<void> {
    const before = this.#addresses
    const isFirst = !this.#wasAsked
    this.#isAsking = true
    const waitMs = await this.#find()
    this.#isAsking = false
    this.#wasAsked = true
    this.#dueAtMs = this.#context.clock.now() + waitMs
    this.#schedule()
    if (isFirst || !isDeepStrictEqual(before, this.#addresses)) for (const listener of this.#listeners) listener()
  }

  /** Returns after how many milliseconds to look again. */
  async #find(): Promise<number> {
    const { dns, random, onUnresolved } = this.#context
    try {
      const { addresses, holdsMs } = await lookUp(dns, this.name, this.#addresses)
      this.#addresses = addresses
      this.#failures = 0
      return holdsMs
    } catch (error) {
      this.#failures++
      if (this.#failures === 1) onUnresolved(this.name, error instanceof Error ? error.message : String(error))
      return fullJitterMs(this.#failures, retryBaseMs, retryMaxMs, random)
    }
  }
}
