import { isServable } from '../health/eligibility.ts'
import type { Clock } from '../util/clock.ts'
import type { HealthChecks } from './health-checks.ts'
import type { EndpointRecord, Records } from './membership.ts'
import type { Timeline } from './timeline.ts'

/** `passing`: the registry lets it serve and we see it fail. `critical`: the other way round. */
export type DisputedWord = 'passing' | 'critical'
export const disputedWords: readonly DisputedWord[] = ['passing', 'critical']

/** A registry takes some seconds to notice that an instance is gone: so long a refused connection is no disagreement. */
const refusalLastsMs = 10_000

interface Dispute {
  readonly word: DisputedWord
  readonly sinceMs: number
  readonly isTold: boolean
}

/** Where the registry's word and what we see of endpoints contradict each other. Each is told once, and its end too. */
export class Disagreements {
  readonly #checks: Pick<HealthChecks, 'wordOn'>
  readonly #timeline: Timeline
  readonly #clock: Clock
  readonly #services = new Map<string, ReadonlyMap<string, Dispute>>()

  constructor(parts: {
    readonly checks: Pick<HealthChecks, 'wordOn'>
    readonly timeline: Timeline
    readonly clock: Clock
  }) {
    this.#checks = parts.checks
    this.#timeline = parts.timeline
    this.#clock = parts.clock
  }

  /** Compares both words on all endpoints of a service; to be called about every second. */
  look(service: string, records: Records): void {
    const before = this.#services.get(service)
    const now = new Map<string, Dispute>()
    for (const [id, record] of records) {
      const found = this.#disputeOver(service, id, record)
      if (found === null) continue
      const { word, cause, lastsMs } = found
      const known = before?.get(id)
      const same = known?.word === word ? known : null
      const sinceMs = same?.sinceMs ?? this.#clock.now()
      const wasTold = same?.isTold ?? false
      const isTold = wasTold || this.#clock.now() - sinceMs >= lastsMs
      now.set(id, { word, sinceMs, isTold })
      if (isTold && !wasTold) this.#record('disagreement', service, id, cause)
    }
    for (const [id, { isTold }] of before ?? []) {
      const record = records.get(id)
      if (!isTold || now.has(id) || record === undefined) continue
      this.#record('agreement', service, id, `no longer; the registry says ${record.published.registry}`)
    }
    if (now.size > 0) this.#services.set(service, now)
    else this.#services.delete(service)
  }

  count(service: string, word: DisputedWord): number {
    let count = 0
    for (const dispute of this.#services.get(service)?.values() ?? []) {
      if (dispute.isTold && dispute.word === word) count++
    }
    return count
  }

  forget(service: string): void {
    this.#services.delete(service)
  }

  #disputeOver(service: string, id: string, { published, cell }: EndpointRecord) {
    const { registry, unhealthy } = published
    if (registry === 'critical') {
      if (this.#checks.wordOn(service, id)?.isHealthy !== true) return null
      return { word: 'critical', cause: 'the registry says critical; its health check passes', lastsMs: 0 } as const
    }
    // A held one is listed no more, or not as serving: the hold itself says so.
    if (registry === 'held' || !isServable(published)) return null
    const word = 'passing'
    if (unhealthy) {
      const seen = this.#checks.wordOn(service, id)?.cause ?? 'not answered yet'
      return { word, cause: `the registry says ${registry}; its health check fails: ${seen}`, lastsMs: 0 } as const
    }
    if (cell.ejection() !== 'connect') return null
    return { word, cause: `the registry says ${registry}; it refuses connections`, lastsMs: refusalLastsMs } as const
  }

  #record(type: 'disagreement' | 'agreement', service: string, endpoint: string, cause: string): void {
    this.#timeline.record({ type, service, endpoint, cause })
  }
}
