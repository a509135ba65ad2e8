import type { ConnectProbe, ConnectResult } from '../health/connect-probe.ts'
import { createLimiter, type Limiter } from './limiter.ts'

/** The control plane's plain connects: few at once, ended together, and never an error. */
export class Prober {
  readonly #probe: ConnectProbe
  readonly #limit: Limiter
  readonly #abort = new AbortController()

  constructor(probe: ConnectProbe, maxAtOnce: number) {
    this.#probe = probe
    this.#limit = createLimiter(maxAtOnce)
  }

  connect(host: string, port: number, timeoutMs: number): Promise<ConnectResult> {
    const { signal } = this.#abort
    return this.#limit(async () => {
      if (signal.aborted) return 'unknown'
      try {
        return await this.#probe(host, port, timeoutMs, signal)
      } catch {
        return 'unknown'
      }
    })
  }

  /** Running and waiting probes end as `unknown`. */
  close(): void {
    this.#abort.abort()
  }
}
