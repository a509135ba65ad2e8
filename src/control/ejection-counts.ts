import type { EjectionReason } from '../core/decision.ts'

/** How often each endpoint of a service was ejected, by reason; what `tidegate_ejections_total` shows. */
export class EjectionCounts {
  /** Null before the first one: most of ten thousand services have none. */
  #counts: Map<string, Map<EjectionReason, number>> | null = null

  add(endpoint: string, reason: EjectionReason): void {
    this.#counts ??= new Map()
    let reasons = this.#counts.get(endpoint)
    if (reasons === undefined) {
      reasons = new Map()
      this.#counts.set(endpoint, reasons)
    }
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }

  forget(endpoint: string): void {
    this.#counts?.delete(endpoint)
  }

  *entries(): Iterable<{ readonly instance: string; readonly reason: EjectionReason; readonly count: number }> {
    for (const [instance, reasons] of this.#counts ?? []) {
      for (const [reason, count] of reasons) yield { instance, reason, count }
    }
  }
}
