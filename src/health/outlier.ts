import type { EjectionReason } from '../core/decision.ts'
import type { Endpoint } from '../core/endpoint.ts'
import { failures } from '../core/failure.ts'
import type { EjectionReport } from '../core/message.ts'
import type { Evidence, OutlierDetector, Service } from '../core/service.ts'
import { ejectWithin, type EjectionParts } from './eject-within.ts'
import { isServable } from './eligibility.ts'

export interface OutlierOptions extends EjectionParts {
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
export function createOutlierDetector({ report, ...parts }: OutlierOptions): OutlierDetector {
  function tell(service: Service, endpoint: Endpoint, reason: EjectionReason, cause: string): void {
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
    if (!won) return
    service.cell.bumpEpoch()
    tell(service, endpoint, 'connect', 'it refused a connection')
  }

  function failedAgain(service: Service, endpoint: Endpoint, evidence: Evidence): void {
    const { cell } = endpoint
    const policy = service.settings.outlier
    const inRow = cell.addConsecutiveFailure()
    if (inRow < policy.consecutiveFailures) return
    if (!ejectWithin(endpoint, 'consecutive', service.all, service.cell, policy, parts)) return
    tell(service, endpoint, 'consecutive', `${inRow} failures in a row, the last: ${evidence}`)
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
