import type { EndpointCell } from '../core/endpoint-cell.ts'
import type { ServiceCell } from '../core/service-cell.ts'
import type { Cancel, ControlClock } from './control-clock.ts'
import type { EndpointRecord } from './membership.ts'

/** Of its weight, what an endpoint begins with. */
const firstPercent = 10
/** From there to 100 %: each step has every data thread build its picker anew, so there are few. */
const steps = 18
const stepPercent = (100 - firstPercent) / steps

interface Starting {
  readonly cell: EndpointCell
  readonly sinceMs: number
}

/**
 * The slow starts of one service: endpoints that came, or came back, grow from 10 % of their weight to all of it.
 *
 * What is still missing is written into the Ledger, in steps that all endpoints of a service take at the same moments; then the
 * service's epoch moves, and every data thread builds its picker with the weights of now. So all threads weigh alike, no balancer
 * knows of it, a request costs nothing, and there are 18 rebuilds in the time however many endpoints start.
 */
export class SlowStarts {
  readonly #clock: ControlClock
  readonly #cell: ServiceCell
  /** By slot. */
  readonly #starting = new Map<number, Starting>()
  #durationMs: number | null
  #cancelStep: Cancel | null = null

  constructor(clock: ControlClock, cell: ServiceCell, durationMs: number | null) {
    this.#clock = clock
    this.#cell = cell
    this.#durationMs = durationMs
  }

  /** Takes a new duration, also for those that are starting. */
  configure(durationMs: number | null): void {
    if (durationMs === this.#durationMs) return
    this.#durationMs = durationMs
    if (this.#starting.size > 0) this.#step()
  }

  /** An endpoint may serve from now on, and could not before. */
  begin({ published, cell }: EndpointRecord): void {
    if (this.#durationMs === null) return
    this.#starting.set(published.slot, { cell, sinceMs: this.#clock.now() })
    cell.setColdPercent(100 - firstPercent)
    this.#cell.bumpEpoch()
    if (this.#cancelStep === null) this.#stepLater(this.#durationMs)
  }

  /** The endpoint is gone. */
  forget(slot: number): void {
    this.#starting.delete(slot)
  }

  close(): void {
    this.#cancelStep?.()
    this.#cancelStep = null
    this.#starting.clear()
  }

  #stepLater(durationMs: number): void {
    this.#cancelStep = this.#clock.after(durationMs / steps, () => this.#step())
  }

  #step(): void {
    const durationMs = this.#durationMs
    const nowMs = this.#clock.now()
    this.#cancelStep?.()
    this.#cancelStep = null
    for (const [slot, { cell, sinceMs }] of this.#starting) {
      const done = durationMs === null ? steps : Math.floor(((nowMs - sinceMs) / durationMs) * steps + 0.5)
      cell.setColdPercent(Math.max(0, 100 - firstPercent - done * stepPercent))
      if (done >= steps) this.#starting.delete(slot)
    }
    this.#cell.bumpEpoch()
    if (durationMs !== null && this.#starting.size > 0) this.#stepLater(durationMs)
  }
}
