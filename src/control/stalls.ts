import type { ConnectProbe } from '../health/connect-probe.ts'
import type { Clock } from '../util/clock.ts'
import type { Cancel, ControlClock } from './control-clock.ts'

const beatMs = 100
/** Later than that, silence of others may be our own deafness. */
const lateMs = 200

/** Knows when the control plane's event loop stood still: what went unheard meanwhile is no evidence. */
export class Stalls {
  readonly #clock: ControlClock
  #dueMs: number
  #stalledMs = -Infinity
  #cancel: Cancel

  constructor(clock: ControlClock) {
    this.#clock = clock
    this.#dueMs = clock.now() + beatMs
    this.#cancel = clock.after(beatMs, () => this.#beat())
  }

  /** True when the event loop stood still at any time since then, or was still late a moment ago. */
  since(monotonicMs: number): boolean {
    this.#look()
    return this.#stalledMs >= monotonicMs
  }

  close(): void {
    this.#cancel()
  }

  #beat(): void {
    this.#look()
    this.#dueMs = this.#clock.now() + beatMs
    this.#cancel = this.#clock.after(beatMs, () => this.#beat())
  }

  /** Asked by others too: after a stall their timers may come before ours. */
  #look(): void {
    const nowMs = this.#clock.now()
    if (nowMs - this.#dueMs > lateMs) this.#stalledMs = nowMs
  }
}

/** A probe whose silence during a stall of ours is `unknown`. */
export function unlessStalled(probe: ConnectProbe, clock: Clock, stalls: Pick<Stalls, 'since'>): ConnectProbe {
  return async (host, port, timeoutMs, signal) => {
    const startedMs = clock.now()
    const result = await probe(host, port, timeoutMs, signal)
    return result === 'failed' && stalls.since(startedMs) ? 'unknown' : result
  }
}
