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
  const endpoints = eligible(records, line.spillBelowPercent).eligible.length
  const maxRequests = Math.min(limits.requests ?? Infinity, perEndpoint * endpoints)
  const maxPending = limits.pending ?? limits.requests ?? maxRequests
  const pending = waiting.count()
  const requests = inflight.count()
  return {
    state: stateOf({ pending, maxPending, hasRoom: endpoints === 0 || requests < maxRequests }),
    inflight: requests,
    pending,
    maxRequests,
    maxRequestsPerEndpoint: limits.requestsPerEndpoint,
    maxPending,
  }
}

/** @param hasRoom false where one more request would have to wait */
function stateOf({
  pending,
  maxPending,
  hasRoom,
}: {
  pending: number
  maxPending: number
  hasRoom: boolean
}): LoadState {
  if (pending === 0 && (hasRoom || maxPending > 0)) return 'open'
  return pending < maxPending ? 'queueing' : 'full'
}
