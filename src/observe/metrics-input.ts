import type { EjectionReason } from '../core/decision.ts'
import type { SeriesStore } from './series-store.ts'

/** What a scrape asks the gateway: plain values of this moment. Every function may be called often and must not wait. */
export interface MetricsInput {
  readonly series: SeriesStore
  readonly stats: () => ControlReadings
  /** Names that are in force now. */
  readonly names: () => MetricNames
  readonly reloads: () => { readonly applied: number; readonly rejected: number }
  /** Data threads that run, and how many were lost since the start. */
  readonly workers: () => { readonly running: readonly WorkerReading[]; readonly restarts: number }
  /** Lines dropped by this thread's log writer; data threads add theirs as a series of `tidegate_log_dropped_total`. */
  readonly logLinesDropped: () => number
}

export interface WorkerReading {
  readonly column: number
  /** Of the last ten seconds, 0 to 1. */
  readonly utilization: number
}

/** The control plane's own counts. An instance is named as in the `instance` label of the data threads' series. */
export interface ControlReadings {
  /** Every state of every service, zeros included, so that a graph shows a state end. */
  readonly endpoints: readonly { readonly service: string; readonly state: string; readonly count: number }[]
  /** Every instance that is still there, draining ones included. */
  readonly inflight: readonly { readonly service: string; readonly instance: string; readonly inflight: number }[]
  /** Of every service; `maxRequests` null = no limit. */
  readonly load: readonly {
    readonly service: string
    readonly inflight: number
    readonly pending: number
    readonly maxRequests: number | null
  }[]
  /** Since the start of the instance. */
  readonly ejections: readonly EjectionReading[]
  /** Zeros included. `registry`: the word of the registry that we dispute. */
  readonly disagreements: readonly { readonly service: string; readonly registry: string; readonly count: number }[]
  /** One entry per source of a watched service. Age: 0 while the watch is connected, else since the last good answer. */
  readonly discovery: readonly {
    readonly source: string
    readonly service: string
    readonly ageSeconds: number
    readonly updates: { readonly changed: number; readonly same: number; readonly error: number }
    /** Entries left out since the start. */
    readonly skipped: number
  }[]
  /** Lists sent to the data threads. */
  readonly lists: readonly { readonly service: string; readonly count: number }[]
}

export interface EjectionReading {
  readonly service: string
  readonly instance: string
  readonly reason: EjectionReason
  readonly count: number
}

export interface MetricNames {
  readonly routes: readonly { readonly id: string; readonly service: string }[]
  readonly services: readonly { readonly name: string }[]
  readonly listeners: readonly ListenerNames[]
}

export interface ListenerNames {
  readonly name: string
  /** Null without TLS. `label` names a certificate for people; `expiresMs` is Unix time. */
  readonly tls: { readonly certificates: readonly { readonly label: string; readonly expiresMs: number }[] } | null
}
