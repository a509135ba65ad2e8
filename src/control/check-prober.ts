import type { CheckProbe, CheckResult, CheckTarget } from '../health/check-probe.ts'
import type { Clock } from '../util/clock.ts'
import { createLimiter, type Limiter } from './limiter.ts'
import type { Stalls } from './stalls.ts'

/** Of all services together. Apart from the plain connects, which have to bring back what was ejected. */
const maxAtOnce = 64
/** A service whose endpoints all hang leaves places to the others. */
const maxPerService = 16

export interface CheckProberOptions {
  readonly probe: CheckProbe
  readonly clock: Clock
  readonly stalls: Pick<Stalls, 'since'>
}

/** Runs health checks: few at once, ended together, never an error, and no silence that we may have slept through. */
export class CheckProber {
  readonly #options: CheckProberOptions
  readonly #limit: Limiter = createLimiter(maxAtOnce)
  readonly #perService = new Map<string, Limiter>()
  readonly #abort = new AbortController()

  constructor(options: CheckProberOptions) {
    this.#options = options
  }

  /** @param isWanted asked when its turn has come: by then the endpoint may be gone */
  check(service: string, target: CheckTarget, isWanted: () => boolean): Promise<CheckResult> {
    return this.#limitOf(service)(() => this.#limit(() => this.#run(target, isWanted)))
  }

  /** No check of that service comes any more. */
  forget(service: string): void {
    this.#perService.delete(service)
  }

  /** Running and waiting checks end as `unknown`. */
  close(): void {
    this.#abort.abort()
  }

  async #run(target: CheckTarget, isWanted: () => boolean): Promise<CheckResult> {
    const { probe, clock, stalls } = this.#options
    const { signal } = this.#abort
    if (signal.aborted || !isWanted()) return { verdict: 'unknown', cause: 'nobody asks any more' }
    const startedMs = clock.now()
    try {
      const result = await probe(target, signal)
      if (result.verdict !== 'silent' || !stalls.since(startedMs)) return result
      return { verdict: 'unknown', cause: 'the gateway itself stood still meanwhile' }
    } catch (error) {
      return { verdict: 'unknown', cause: String(error) }
    }
  }

  #limitOf(service: string): Limiter {
    let limit = this.#perService.get(service)
    if (limit === undefined) {
      limit = createLimiter(maxPerService)
      this.#perService.set(service, limit)
    }
    return limit
  }
}
