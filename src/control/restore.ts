import type { EjectionReason } from '../core/decision.ts'
import type { Ledger } from '../core/ledger.ts'
import type { ServiceCell } from '../core/service-cell.ts'
import type { ConnectResult } from '../health/connect-probe.ts'
import type { Random } from '../util/random.ts'
import type { Cancel, ControlClock } from './control-clock.ts'
import type { EndpointRecord } from './membership.ts'
import type { Prober } from './prober.ts'

const probeEveryMs = 1000
const jitterShare = 0.1

/** An endpoint that the Ledger says is ejected. */
export interface EjectedEndpoint {
  readonly service: string
  readonly serviceCell: ServiceCell
  readonly record: EndpointRecord
  readonly connectTimeoutMs: number
}

/** `out`: waiting to be restored; `back`: restored, waiting until its ejections in a row are forgotten. */
interface Plan {
  readonly state: 'out' | 'back'
  readonly sinceMs: number
  cancel: Cancel
  cancelProbe: Cancel
}

export interface RestorerOptions {
  readonly ledger: Ledger
  readonly clock: ControlClock
  readonly random: Random
  readonly prober: Prober
  readonly onRestored: (endpoint: EjectedEndpoint, cause: string) => void
  /** One that was ejected for failures refuses connections; its ejection is for that now, and wants to be taken. */
  readonly onRefused: (endpoint: EjectedEndpoint, cause: string) => void
}

/**
 * Brings ejected endpoints back: one that refused a connection when a plain connect, tried about every second, is accepted;
 * one that failed too often when its time is over; one that was ejected by command never. Whoever failed too often is asked at once, and
 * every second, whether it refuses: a process that was killed resets its connections, and a new one in its place has not failed. Ejections
 * in a row are forgotten when the endpoint has stayed in for as long as its last ejection lasted.
 */
export class Restorer {
  readonly #options: RestorerOptions
  /** By slot. */
  readonly #plans = new Map<number, Plan>()
  #suspected = new Set<number>()

  constructor(options: RestorerOptions) {
    this.#options = options
  }

  /** True while the endpoint in that slot is known to be ejected. */
  knows(slot: number): boolean {
    return this.#plans.get(slot)?.state === 'out'
  }

  /** Plans the return of an endpoint by the reason the Ledger states now; a plan it had is replaced. */
  take(endpoint: EjectedEndpoint): void {
    const { clock, ledger } = this.#options
    const { cell, published } = endpoint.record
    const reason = cell.ejection()
    if (reason === null) return
    const plan = this.#plan(published.slot, 'out')
    if (reason === 'connect') this.#probeLater(endpoint, plan)
    else if (reason !== 'manual') {
      const delayMs = Math.max(0, ledger.fromDeciseconds(cell.ejectedUntil()) - clock.now())
      plan.cancel = clock.after(delayMs, () => this.#restore(endpoint, plan, 'its ejection time is over'))
      this.#lookForRefusal(endpoint, plan, reason)
    }
  }

  /** By command: at once, whatever ejected it. @returns false when it is not ejected */
  restoreNow(endpoint: EjectedEndpoint, cause: string): boolean {
    const { cell, published } = endpoint.record
    if (cell.ejection() === null) return false
    this.#restore(endpoint, this.#plans.get(published.slot) ?? this.#plan(published.slot, 'out'), cause)
    return true
  }

  /** The endpoint is gone. */
  forget(slot: number): void {
    const plan = this.#plans.get(slot)
    if (plan !== undefined) end(plan)
    this.#plans.delete(slot)
  }

  /**
   * Takes endpoints that are ejected without anybody having said so, because the thread died before its report arrived.
   *
   * @param ejected all that the Ledger says are ejected now
   * @returns those taken; one is taken the second time it is seen, so that a report on its way comes first
   */
  sweep(ejected: Iterable<EjectedEndpoint>): readonly EjectedEndpoint[] {
    const suspected = new Set<number>()
    const taken: EjectedEndpoint[] = []
    for (const endpoint of ejected) {
      const { slot } = endpoint.record.published
      if (this.knows(slot)) continue
      if (this.#suspected.has(slot)) {
        this.take(endpoint)
        taken.push(endpoint)
      } else suspected.add(slot)
    }
    this.#suspected = suspected
    return taken
  }

  close(): void {
    for (const plan of this.#plans.values()) end(plan)
    this.#plans.clear()
  }

  #plan(slot: number, state: Plan['state']): Plan {
    this.forget(slot)
    const plan = { state, sinceMs: this.#options.clock.now(), cancel: () => {}, cancelProbe: () => {} }
    this.#plans.set(slot, plan)
    return plan
  }

  #probeLater(endpoint: EjectedEndpoint, plan: Plan): void {
    plan.cancelProbe = this.#options.clock.after(this.#pauseMs(), () =>
      this.#probe(endpoint, plan, (result) => {
        if (result === 'accepted') this.#restore(endpoint, plan, 'it accepts connections again')
        else this.#probeLater(endpoint, plan)
      }),
    )
  }

  #lookForRefusal(endpoint: EjectedEndpoint, plan: Plan, reason: EjectionReason): void {
    this.#probe(endpoint, plan, (result) => {
      if (result === 'refused') {
        if (!endpoint.record.cell.replaceEjection(reason, 'connect')) return
        // Panic picks refused ones last.
        endpoint.serviceCell.bumpEpoch()
        this.#options.onRefused(endpoint, 'it refuses connections')
      } else
        plan.cancelProbe = this.#options.clock.after(this.#pauseMs(), () =>
          this.#lookForRefusal(endpoint, plan, reason),
        )
    })
  }

  #probe(endpoint: EjectedEndpoint, plan: Plan, then: (result: ConnectResult) => void): void {
    const { host, port, slot } = endpoint.record.published
    void this.#options.prober.connect(host, port, endpoint.connectTimeoutMs).then((result) => {
      if (this.#plans.get(slot) === plan) then(result)
    })
  }

  #pauseMs(): number {
    return probeEveryMs * (1 - jitterShare + 2 * jitterShare * this.#options.random())
  }

  #restore(endpoint: EjectedEndpoint, plan: Plan, cause: string): void {
    const { clock, onRestored } = this.#options
    const { cell, published } = endpoint.record
    const back = this.#plan(published.slot, 'back')
    back.cancel = clock.after(back.sinceMs - plan.sinceMs, () => {
      cell.setEjectedTimes(0)
      this.forget(published.slot)
    })
    if (!cell.restore()) return
    endpoint.serviceCell.bumpEpoch()
    onRestored(endpoint, cause)
  }
}

function end(plan: Plan): void {
  plan.cancel()
  plan.cancelProbe()
}
