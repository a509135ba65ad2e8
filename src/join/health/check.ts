import type { DurationInput } from '../register-options.ts'

/** `pass`, `warn`, `fail`: the words of the health+json draft (draft-inadarei-api-health-check-06). */
export type HealthStatus = 'pass' | 'warn' | 'fail'

/** What a check finds. */
export interface Finding {
  readonly status: HealthStatus
  /** For people. */
  readonly output?: string
}

/**
 * Looks at one dependency. Nothing and `true` are a pass; `false` and a rejection are a failure. The signal aborts when the check's time is over.
 */
export type CheckFunction = (signal: AbortSignal) => Promise<Finding | boolean | void> | Finding | boolean | void

export interface CheckOptions {
  readonly check: CheckFunction
  /** Default: the timeout of all. */
  readonly timeout?: DurationInput
  /** What its failure makes of the whole: `fail` (default), or `warn` for a dependency that the service can do without. */
  readonly failsAs?: 'fail' | 'warn'
}

/** One run of a check. */
export interface CheckResult extends Finding {
  /** When it ended; milliseconds of the wall clock, for people. */
  readonly atMs: number
  readonly tookMs: number
}

/**
 * Runs a check, one at a time: while one that has outrun its timeout is still under way, no second one is begun, and the result is a failure
 * that says since when.
 */
export class RunningCheck {
  readonly #check: CheckFunction
  readonly #timeoutMs: number
  readonly #failsAs: 'fail' | 'warn'
  #begunMs: number | null = null

  constructor(
    check: CheckFunction,
    { timeoutMs, failsAs }: { readonly timeoutMs: number; readonly failsAs: 'fail' | 'warn' },
  ) {
    this.#check = check
    this.#timeoutMs = timeoutMs
    this.#failsAs = failsAs
  }

  /** Never rejects, and takes no longer than the timeout. */
  async run(): Promise<CheckResult> {
    const startedMs = performance.now()
    if (this.#begunMs !== null) {
      const sinceMs = Math.round(startedMs - this.#begunMs)
      return this.#result({ status: 'fail', output: `does not answer, for ${sinceMs} ms now` }, sinceMs)
    }
    this.#begunMs = startedMs
    const timeout = new AbortController()
    const finished = this.#ask(timeout.signal).finally(() => (this.#begunMs = null))
    const timedOut = Promise.withResolvers<Finding>()
    const timer = setTimeout(() => {
      timeout.abort(new Error('the check took too long'))
      timedOut.resolve({ status: 'fail', output: `no answer within ${this.#timeoutMs} ms` })
    }, this.#timeoutMs)
    const finding = await Promise.race([finished, timedOut.promise])
    clearTimeout(timer)
    return this.#result(finding, performance.now() - startedMs)
  }

  async #ask(signal: AbortSignal): Promise<Finding> {
    try {
      return findingOf(await this.#check(signal))
    } catch (error) {
      return { status: 'fail', output: error instanceof Error ? error.message : String(error) }
    }
  }

  #result({ status, output }: Finding, tookMs: number): CheckResult {
    return {
      status: status === 'fail' ? this.#failsAs : status,
      ...(output !== undefined && { output }),
      atMs: Date.now(),
      tookMs: Math.round(tookMs),
    }
  }
}

/** What a check gave that is not typed may be anything, the answer of a database for example: that it answered is a pass. */
function findingOf(found: unknown): Finding {
  if (found === false) return { status: 'fail' }
  if (typeof found !== 'object' || found === null || !('status' in found)) return { status: 'pass' }
  if (isStatus(found.status)) return found as Finding
  return { status: 'fail', output: `says ${JSON.stringify(found.status)}, which is none of pass, warn and fail` }
}

function isStatus(status: unknown): status is HealthStatus {
  return status === 'pass' || status === 'warn' || status === 'fail'
}
