import { isServable } from '../health/eligibility.ts'
import type { HealthChecks } from './health-checks.ts'
import type { EndpointRecord, Records } from './membership.ts'
import type { Timeline } from './timeline.ts'

/** `passing`: the registry lets it serve and we see it fail. `critical`: the other way round. */
export type DisputedWord = 'passing' | 'critical'
export const disputedWords: readonly DisputedWord[] = ['passing', 'critical']

/** Where the registry's word and what we see of endpoints contradict each other. Each is told once, and its end too. */
export class Disagreements {
  readonly #checks: Pick<HealthChecks, 'wordOn'>
  readonly #timeline: Timeline
  readonly #services = new Map<string, Map<string, DisputedWord>>()

  constructor(checks: Pick<HealthChecks, 'wordOn'>, timeline: Timeline) {
    this.#checks = checks
    this.#timeline = timeline
  }

  /** Compares both words on all endpoints of a service; to be called now and then: what lasts no longer is no disagreement. */
  look(service: string, records: Records): void {
    const before = this.#services.get(service)
    const now = new Map<string, DisputedWord>()
    for (const [id, record] of records) {
      const dispute = this.#disputeOver(service, id, record)
      if (dispute === null) continue
      now.set(id, dispute.word)
      if (before?.get(id) !== dispute.word) this.#record('disagreement', service, id, dispute.cause)
    }
    for (const id of before?.keys() ?? []) {
      const record = records.get(id)
      if (now.has(id) || record === undefined) continue
      this.#record('agreement', service, id, `the registry says ${record.published.registry}, and so do we`)
    }
    if (now.size > 0) this.#services.set(service, now)
    else this.#services.delete(service)
  }

  count(service: string, word: DisputedWord): number {
    let count = 0
    for (const disputed of this.#services.get(service)?.values() ?? []) if (disputed === word) count++
    return count
  }

  forget(service: string): void {
    this.#services.delete(service)
  }

  #disputeOver(service: string, id: string, { published, cell }: EndpointRecord) {
    const { registry, unhealthy } = published
    if (registry === 'critical') {
      if (this.#checks.wordOn(service, id)?.isHealthy !== true) return null
      return { word: 'critical', cause: 'the registry says critical; its health check passes' } as const
    }
    // A held one is listed no more, or not as serving: the hold itself says so.
    if (registry === 'held' || !isServable(published)) return null
    const seen = unhealthy
      ? `its health check fails: ${this.#checks.wordOn(service, id)?.cause ?? 'not answered yet'}`
      : cell.ejection() === 'connect'
        ? 'it refuses connections'
        : null
    return seen === null ? null : ({ word: 'passing', cause: `the registry says ${registry}; ${seen}` } as const)
  }

  #record(type: 'disagreement' | 'agreement', service: string, endpoint: string, cause: string): void {
    this.#timeline.record({ type, service, endpoint, cause })
  }
}
