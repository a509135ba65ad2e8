import type { Ledger } from '../core/ledger.ts'
import { eligible } from '../health/eligibility.ts'
import { type Finding, limitOf } from '../health/found-limit/found-limit.ts'
import type { Phase } from '../health/found-limit/phase.ts'
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
  /** Most in flight: its own limit, the found one, or what the eligible endpoints take together; null = no limit. */
  readonly maxRequests: number | null
  readonly maxRequestsPerEndpoint: number | null
  /** Most that wait; null without limits, and while one is only tried out. */
  readonly maxPending: number | null
  /** Where the limit is found out (`maxRequests: auto`): how that stands, and why its last change came about. Else null. */
  readonly search: { readonly state: Phase['kind']; readonly why: string } | null
}

/** @param finding what was found of its limit; null where none is looked for */
export function loadOf(line: ServiceLine, ledger: Ledger, finding: Finding | null): LoadView {
  const records = [...line.endpoints.records.values()]
  const { limits } = line.entry
  const attempts = records.reduce((sum, { cell }) => sum + cell.inflight(), 0)
  const { inflight: places, waiting } = ledger.admission(line.slot, -1)
  const found = finding === null ? null : limitOf(finding)
  const isSet = limits !== null && (limits.requests !== null || limits.requestsPerEndpoint !== null)
  const pending = waiting.count()
  // Those that came before a limit was found have no place.
  const inflight = limits === null || limits.findsRequests ? Math.max(attempts, places.count()) : places.count()
  const search = finding === null ? null : { state: finding.phase.kind, why: finding.why }
  const perEndpoint = limits?.requestsPerEndpoint ?? null
  const view = { inflight, pending, maxRequestsPerEndpoint: perEndpoint, search }
  if (limits === null || (!isSet && found === null)) {
    return { state: 'unlimited', ...view, maxRequests: null, maxPending: null }
  }
  const endpoints = eligible(records, line.spillBelowPercent).eligible.length
  const maxRequests = Math.min(
    limits.requests ?? Infinity,
    perEndpoint === null ? Infinity : perEndpoint * endpoints,
    found?.limit ?? Infinity,
  )
  // A limit that is only tried out has whoever comes wait.
  const maxPending =
    found === null ? (limits.pending ?? limits.requests ?? maxRequests) : pendingOf(found.pending, limits.pending)
  const state = stateOf({
    pending,
    maxPending: maxPending ?? Infinity,
    hasRoom: endpoints === 0 || inflight < maxRequests,
  })
  return { state, ...view, maxRequests, maxPending }
}

/** What the configuration says goes before what was found, but not while a limit is tried out. */
export function pendingOf(found: number | null, configured: number | null): number | null {
  return found === null ? null : (configured ?? found)
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
