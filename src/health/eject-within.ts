import type { EjectionReason } from '../core/decision.ts'
import type { EndpointCell } from '../core/endpoint-cell.ts'
import type { Ledger } from '../core/ledger.ts'
import type { ServiceCell } from '../core/service-cell.ts'
import type { OutlierPolicy } from '../core/snapshot.ts'
import type { Clock } from '../util/clock.ts'
import type { Random } from '../util/random.ts'
import { canSpare } from './can-spare.ts'
import { ejectionMs } from './ejection-time.ts'
import type { Judged } from './eligibility.ts'

export interface EjectionParts {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly random: Random
}

/**
 * Ejects an endpoint for as long as the policy says, unless that is more than the service can spare. Other threads do the same at the
 * same time, and nobody waits for them: who ejected one too many takes its own back.
 *
 * @param all endpoints of the service, as they are now
 * @returns true when the ejection stands: it is to be reported
 */
export function ejectWithin<E extends Judged & { readonly cell: EndpointCell }>(
  endpoint: E,
  reason: EjectionReason,
  all: readonly E[],
  service: ServiceCell,
  policy: OutlierPolicy,
  { ledger, clock, random }: EjectionParts,
): boolean {
  const { cell } = endpoint
  // Read before the ejection is: whoever ejects in between has raised it, and then we see that ejection and leave.
  const times = cell.ejectedTimes() + 1
  if (cell.ejection() !== null || !canSpare(all, endpoint, policy.maxEjectedPercent)) return false
  // Written before the ejection shows: nobody may find an ejection whose time looks long over.
  cell.setEjectedUntil(ledger.toDeciseconds(clock.now() + ejectionMs(times, policy, random)))
  if (!cell.eject(reason)) return false
  // Another thread may have ejected another endpoint meanwhile, and together it is too many.
  const stands = canSpare(all, endpoint, policy.maxEjectedPercent)
  // Not whatever holds: the operator may have made it his meanwhile, or a refused connection outweighed it.
  if (stands) cell.setEjectedTimes(times)
  else cell.undoEjection(reason)
  service.bumpEpoch()
  return stands
}
