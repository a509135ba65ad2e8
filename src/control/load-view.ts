import type { Ledger } from '../core/ledger.ts'
import { eligible } from '../health/eligibility.ts'
import type { ServiceLine } from './service-line.ts'

/**
 * How a service stands with its limits. `unlimited`: it has none. `open`: there is room. `queueing`: requests wait. `full`: requests
 * are turned away.
 */
export type LoadState = 'unlimited' | 'open' | 'queueing' | 'full'

/** The load of a service, over all data threads. */
export interface LoadView {
  readonly state: LoadState
  readonly inflight: number
  readonly pending: number
  /** Most in flight: its own limit, or what the eligible endpoints take together; null = no limit. */
  readonly maxRequests: number | null
  readonly maxRequestsPerEndpoint: number | null
  /** Most that wait; null without limits. */
  readonly maxPending: number | null
}

export function loadOf(line: ServiceLine, ledger: Ledger): LoadView {
  const records = [...line.endpoints.records.values()]
  const { limits } = line.entry
  const attempts = records.reduce((sum, { cell }) => sum + cell.inflight(), 0)
  if (limits === null) {
    return {
      state: 'unlimited',
      inflight: attempts,
      pending: 0,
      maxRequests: null,
      maxRequestsPerEndpoint: null,
      maxPending: null,
    }
  }
  const { inflight, waiting } = ledger.admission(line.slot, -1)
  const perEndpoint = limits.requestsPerEndpoint ?? Infinity
  const maxRequests = Math.min(limits.requests ?? Infinity, perEndpoint * eligible(records).eligible.length)
  const maxPending = limits.pending ?? limits.requests ?? maxRequests
  const pending = waiting.count()
  return {
    state: stateOf(pending, maxPending),
    inflight: inflight.count(),
    pending,
    maxRequests,
    maxRequestsPerEndpoint: limits.requestsPerEndpoint,
    maxPending,
  }
}

function stateOf(pending: number, maxPending: number): LoadState {
  if (pending === 0) return 'open'
  return pending < maxPending ? 'queueing' : 'full'
}
