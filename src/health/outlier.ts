import type { EjectionReason } from '../core/decision.ts'
import type { Endpoint } from '../core/endpoint.ts'
import { failures } from '../core/failure.ts'
import type { Ledger } from '../core/ledger.ts'
import type { EjectionReport } from '../core/message.ts'
import type { Evidence, OutlierDetector, Service } from '../core/service.ts'
import type { Clock } from '../util/clock.ts'
import type { Random } from '../util/random.ts'
import { ejectionMs } from './ejection-time.ts'
import { isServable } from './eligibility.ts'
import { canSpare } from './can-spare.ts'

export interface OutlierOptions {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly random: Random
  /** Called in the one thread, of all, whose evidence ejected the endpoint. */
  readonly report: (ejection: EjectionReport) => void
}

/**
 * Ejects endpoints by what the traffic shows, over all data threads at once.
 *
 * A refused connection is certain: it ejects at once and without bound. Any other failure of the upstream counts, and so
 * many in a row eject for `baseEjectionMs` × ejections in a row ≤ `maxEjectionMs`, plus up to 10 % of jitter; never more
 * than `maxEjectedPercent` of the servable endpoints, and never the last one that is left.
 */
export function createOutlierDetector({ ledger, clock, random, report }: OutlierOptions): OutlierDetector {
  function eject(service: Service, endpoint: Endpoint, reason: EjectionReason, cause: string): void {
    service.cell.bumpEpoch()
    report({ service: service.name, endpoint: endpoint.id, slot: endpoint.slot, reason, cause })
  }

  function refused(service: Service, endpoint: Endpoint): void {
    const { cell } = endpoint
    const before = cell.ejection()
    // A refusal outweighs what was only counted: panic picks refused endpoints last.
    const won =
      before === 'consecutive' || before === 'success-rate'
        ? cell.replaceEjection(before, 'connect')
        : cell.eject('connect')
    if (won) eject(service, endpoint, 'connect', 'it refused a connection')
  }

  function failedAgain(service: Service, endpoint: Endpoint, evidence: Evidence): void {
    const { cell } = endpoint
    const policy = service.settings.outlier
    const inRow = cell.addConsecutiveFailure()
    if (inRow < policy.consecutiveFailures) return
    // Read before the ejection is: whoever ejects in between has raised it, and then we see that ejection and leave.
    const times = cell.ejectedTimes() + 1
    if (cell.ejection() !== null || !canSpare(service.endpoints.all, endpoint, policy.maxEjectedPercent)) return
    // Written before the ejection shows: nobody may find an ejection whose time looks long over.
    cell.setEjectedUntil(ledger.toDeciseconds(clock.now() + ejectionMs(times, policy, random)))
    if (!cell.eject('consecutive')) return
    if (!canSpare(service.endpoints.all, endpoint, policy.maxEjectedPercent)) {
      // Another thread ejected another endpoint meanwhile, and together it is too many.
      cell.restore()
      service.cell.bumpEpoch()
      return
    }
    cell.setEjectedTimes(times)
    eject(service, endpoint, 'consecutive', `${inRow} failures in a row, the last: ${evidence}`)
  }

  return {
    succeeded(service, endpoint) {
      if (service.settings.outlier.successRate !== null) endpoint.cell.countEvidence(false)
      if (endpoint.cell.consecutiveFailures() !== 0) endpoint.cell.clearConsecutiveFailures()
    },
    failed(service, endpoint, evidence) {
      if (!isServable(endpoint.published)) return
      if (evidence !== '5xx' && failures[evidence].blame !== 'upstream') return
      if (service.settings.outlier.successRate !== null) endpoint.cell.countEvidence(true)
      if (evidence === 'connect-refused') refused(service, endpoint)
      else failedAgain(service, endpoint, evidence)
    },
  }
}
