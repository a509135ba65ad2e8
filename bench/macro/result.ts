import type { CaseName, Shape } from './cases.ts'
import type { Machine } from './machine.ts'
import type { Spread } from './statistics.ts'
import type { Failures } from './wrk.ts'

/** One competitor under load for some seconds. */
export interface Round {
  readonly requests: number
  readonly cpuMicrosPerRequest: number
  readonly requestsPerSecond: number
  readonly p50Micros: number
  readonly p99Micros: number
  readonly p999Micros: number
  readonly failures: Failures
}

/** One competitor in one shape, over all rounds. */
export interface Row {
  readonly competitor: string
  readonly version: string
  readonly shape: Shape
  readonly rounds: readonly Round[]
  /** Peak resident memory, summed over its processes; what they share counts for each. */
  readonly peakBytes: number
  /** Null, or why its figures count for nothing. */
  readonly problem: string | null
  /** CPU per request to that of nginx in the same shape, round by round; null without a valid nginx, and for nginx. */
  readonly cpuToNginx: Spread | null
  /** CPU per request to its own with one route; null in that shape. */
  readonly cpuToOneRoute: Spread | null
}

/** A competitor that was not measured. */
export interface Absence {
  readonly competitor: string
  readonly reason: string
}

/** What bench/results/ holds. */
export interface CaseResult {
  readonly case: CaseName
  readonly title: string
  /** ISO 8601. */
  readonly startedAt: string
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  readonly machine: Machine
  readonly rows: readonly Row[]
  readonly absent: readonly Absence[]
}
