import type { EjectionReason } from '../core/decision.ts'
import type { SeriesStore } from './series-store.ts'

export type EndpointState = 'eligible' | 'ejected' | 'unhealthy' | 'draining'

/** What a scrape asks the gateway: plain values of this moment. Every function may be called often and must not wait. */
export interface MetricsInput {
  readonly series: SeriesStore
  /** Names that are in force now: of routes with their service, and of listeners. */
  names(): MetricNames
  /** Endpoints that are still there, draining ones included. */
  endpoints(): Iterable<EndpointReading>
  ejections(): Iterable<EjectionReading>
  /** One entry per watched service. */
  discovery(): Iterable<DiscoveryReading>
  reloads(): { readonly applied: number; readonly rejected: number }
  /** Data threads that run, and how many were replaced since the start. */
  workers(): { readonly running: number; readonly restarts: number }
  /** Lines dropped by this thread's log writer; data threads add theirs as a series of `tidegate_log_dropped_total`. */
  logLinesDropped(): number
}

export interface MetricNames {
  readonly routes: readonly { readonly id: string; readonly service: string }[]
  readonly services: readonly { readonly name: string }[]
  readonly listeners: readonly { readonly name: string }[]
}

export interface EndpointReading {
  readonly service: string
  /** The endpoint's id, the value of the `instance` label. */
  readonly id: string
  readonly state: EndpointState
  readonly inflight: number
}

export interface EjectionReading {
  readonly service: string
  readonly instance: string
  readonly reason: EjectionReason
  /** Since the start. */
  readonly count: number
}

export interface DiscoveryReading {
  readonly source: string
  readonly service: string
  /** 0 while the watch is connected, else seconds since the last good answer. */
  readonly ageSeconds: number
  readonly updates: { readonly changed: number; readonly same: number; readonly error: number }
}
