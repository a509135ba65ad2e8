import type { CaseName, Figure, Shape } from './cases.ts'
import type { Failures } from './generators/contract.ts'
import type { Machine } from './machine.ts'
import type { RatioName } from './ratios.ts'
import type { Spread } from './statistics.ts'

/** Of the files in bench/results/. Those of an earlier one are not read. */
export const resultFormat = 2

/** One competitor under load for some seconds. */
export interface Round {
  readonly requests: number
  /** User and system time together. */
  readonly cpuMicrosPerRequest: number
  readonly userMicrosPerRequest: number
  readonly systemMicrosPerRequest: number
  readonly requestsPerSecond: number
  readonly p50Micros: number
  readonly p99Micros: number
  readonly p999Micros: number
  /** By how much a generator that keeps a rate was late itself; null for others. */
  readonly lagP99Micros: number | null
  readonly failures: Failures
}

/** One competitor in one shape, over all rounds. */
export interface Row {
  readonly competitor: string
  /** Empty where the name says it. */
  readonly version: string
  readonly shape: Shape
  /** Protocol and cipher that were negotiated; null without TLS. */
  readonly tls: string | null
  /** Requests per second that were sent, whether or not answered; null where that is up to the proxy. */
  readonly offeredPerSecond: number | null
  readonly rounds: readonly Round[]
  /** Peak resident memory, summed over its processes; what they share counts for each. */
  readonly peakBytes: number
  /** Null, or why its figures count for nothing. */
  readonly problem: string | null
  /** Round by round; null where there is nothing valid to compare with. */
  readonly ratios: Readonly<Record<RatioName, Spread | null>>
}

/** A competitor that was not measured. */
export interface Absence {
  readonly competitor: string
  readonly reason: string
}

/** What a file in bench/results/ holds. */
export interface CaseResult {
  readonly format: typeof resultFormat
  readonly case: CaseName
  readonly title: string
  readonly figure: Figure
  /** ISO 8601. */
  readonly startedAt: string
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  readonly machine: Machine
  readonly rows: readonly Row[]
  readonly absent: readonly Absence[]
}
