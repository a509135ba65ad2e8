import type { EjectionReport } from '../core/message.ts'
import type { OutlierPolicy } from '../core/snapshot.ts'
import type { Ledger } from '../core/ledger.ts'
import type { ServiceCell } from '../core/service-cell.ts'
import { ejectWithin } from '../health/eject-within.ts'
import { isServable } from '../health/eligibility.ts'
import { rateOutliers, type Sample } from '../health/success-rate.ts'
import type { Random } from '../util/random.ts'
import type { Cancel, ControlClock } from './control-clock.ts'
import type { EndpointRecord, Records } from './membership.ts'

export interface SuccessRatesParts {
  readonly service: string
  readonly cell: ServiceCell
  readonly ledger: Ledger
  readonly clock: ControlClock
  readonly random: Random
  readonly records: () => Records
  readonly policy: OutlierPolicy
  /** Called once per ejection, when the Ledger has it. */
  readonly eject: (report: EjectionReport) => void
}

const nobody: ReadonlyMap<number, Sample & { readonly id: string }> = new Map()

/**
 * Ejects the endpoints of one service by success rate, where its policy asks for that: once per interval, from what all data
 * threads counted in the Ledger meanwhile.
 */
export class SuccessRates {
  readonly #parts: SuccessRatesParts
  #policy: OutlierPolicy
  /** By slot: what was counted at the last look, and of whom. */
  #counted: ReadonlyMap<number, Sample & { readonly id: string }> = nobody
  #cancel: Cancel | null = null

  constructor(parts: SuccessRatesParts) {
    this.#parts = parts
    this.#policy = parts.policy
    this.#lookLater()
  }

  configure(policy: OutlierPolicy): void {
    const before = this.#policy.successRate
    this.#policy = policy
    if (before?.intervalMs === policy.successRate?.intervalMs) return
    this.close()
    this.#lookLater()
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  #lookLater(): void {
    const { successRate } = this.#policy
    if (successRate === null) return
    this.#remember()
    this.#cancel = this.#parts.clock.after(successRate.intervalMs, () => {
      this.#look()
      this.#lookLater()
    })
  }

  #look(): void {
    const { successRate } = this.#policy
    if (successRate === null) return
    for (const { sample, cause } of rateOutliers(this.#samples(), successRate)) this.#eject(sample.record, cause)
  }

  /** What endpoints that may serve did since the last look; those that are ejected already are no part of it. */
  #samples(): (Sample & { readonly record: EndpointRecord })[] {
    return [...this.#parts.records().values()]
      .filter(({ published, cell }) => isServable(published) && cell.ejection() === null)
      .map((record) => {
        const { requests, failures } = record.cell.evidence()
        const before = this.#counted.get(record.published.slot)
        if (before?.id !== record.published.id) return { record, requests, failures }
        return { record, requests: requests - before.requests, failures: failures - before.failures }
      })
  }

  #remember(): void {
    this.#counted = new Map(
      [...this.#parts.records().values()].map(({ published: { slot, id }, cell }) => [
        slot,
        { id, ...cell.evidence() },
      ]),
    )
  }

  #eject(record: EndpointRecord, cause: string): void {
    const { service, cell, records, eject } = this.#parts
    if (!ejectWithin(record, 'success-rate', [...records().values()], cell, this.#policy, this.#parts)) return
    const { id, slot } = record.published
    eject({ service, endpoint: id, slot, reason: 'success-rate', cause })
  }
}
