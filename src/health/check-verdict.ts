import type { HealthCheck } from '../core/health-check.ts'

/** What our checks make of an endpoint. */
export interface CheckVerdict {
  /** `new`: not judged yet, and taken for healthy, so that a deploy leaves no gap. */
  readonly state: 'new' | 'healthy' | 'unhealthy'
  /** Results in a row that speak against `state`. */
  readonly against: number
  /** False until a first check passed: then one is enough. */
  readonly hasPassed: boolean
}

export const unjudged: CheckVerdict = { state: 'new', against: 0, hasPassed: false }

/**
 * The verdict after one more result. The first result decides alone; afterwards `unhealthyAfter` failures, or `healthyAfter`
 * passes, in a row turn it over.
 */
export function judge(
  before: CheckVerdict,
  hasPassed: boolean,
  { healthyAfter, unhealthyAfter }: Pick<HealthCheck, 'healthyAfter' | 'unhealthyAfter'>,
): CheckVerdict {
  const state = hasPassed ? 'healthy' : 'unhealthy'
  if (before.state === state) return before.against === 0 ? before : { ...before, against: 0 }
  const against = before.against + 1
  const needed = before.hasPassed ? (hasPassed ? healthyAfter : unhealthyAfter) : 1
  return against < needed ? { ...before, against } : { state, against: 0, hasPassed: before.hasPassed || hasPassed }
}
