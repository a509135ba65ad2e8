import type { EjectionReason } from '../core/decision.ts'
import type { PublishedEndpoint } from '../core/snapshot.ts'

export type EndpointState = 'eligible' | 'ejected' | 'unhealthy' | 'draining'

export interface StateAndReason {
  readonly state: EndpointState
  /** Half a sentence for humans: why this state. */
  readonly reason: string
}

export const drainedByCommand = 'drained by command'
export const ejectedByCommand = 'ejected by command'
export const checkFails = 'its health check fails'

const ejectionReasons: Readonly<Record<EjectionReason, string>> = {
  connect: 'it refused a connection',
  consecutive: 'too many failures in a row',
  'success-rate': 'it fails more often than the others',
  manual: ejectedByCommand,
}

/**
 * The state shown for an endpoint, the registry's word before our own observation, as in `eligible`.
 *
 * @param coldPercent what a slow start keeps of its weight
 */
export function stateOf(
  published: PublishedEndpoint,
  ejection: EjectionReason | null,
  coldPercent = 0,
): StateAndReason {
  const { registry } = published
  if (registry === 'absent') return { state: 'draining', reason: 'the registry no longer lists it' }
  if (registry === 'maintenance') return { state: 'draining', reason: 'the registry says maintenance' }
  if (published.draining) return { state: 'draining', reason: drainedByCommand }
  if (registry === 'critical') return { state: 'unhealthy', reason: 'the registry says critical' }
  if (published.weight === 0) return { state: 'draining', reason: 'its weight is 0' }
  if (ejection !== null) return { state: 'ejected', reason: ejectionReasons[ejection] }
  if (published.unhealthy) return { state: 'unhealthy', reason: checkFails }
  if (registry === 'held')
    return { state: 'eligible', reason: 'the registry may have forgotten it, and it still answers' }
  const slowly = coldPercent === 0 ? '' : `; in its slow start, at ${100 - coldPercent} % of its weight`
  return { state: 'eligible', reason: `the registry says ${registry}${slowly}` }
}
