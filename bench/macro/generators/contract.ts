import type { Load } from '../cases.ts'
import type { CpuPlan } from '../cpus.ts'

/** Requests that got no answer by what went wrong; `status`: answered with 400 or more. */
export interface Failures {
  readonly connect: number
  readonly read: number
  readonly write: number
  readonly timeout: number
  readonly status: number
}

export interface LoadResult {
  /** Answered requests, failed statuses included. */
  readonly requests: number
  readonly micros: number
  readonly p50Micros: number
  readonly p99Micros: number
  readonly p999Micros: number
  /** By how much the generator itself was late, of what it meant to send at a time; absent where it sends when it can. */
  readonly lagP99Micros?: number
  readonly failures: Failures
}

export interface LoadRun {
  readonly url: string
  readonly load: Load
  readonly seconds: number
  /** Requests per second, for generators that keep a rate. */
  readonly rate: number | null
  /** File of the certificate that the other side has to show; null over plain TCP. */
  readonly certificate: string | null
  readonly cpus: CpuPlan
  /** Ends it early; the promise rejects with an AbortError. */
  readonly signal: AbortSignal
}

/** Sends a load from processes of its own, on the CPUs that are not the proxy's. Rejects when it can't. */
export interface Generator {
  /** Commands that have to be installed, each with a flag that makes it say its version. */
  readonly commands: readonly (readonly [command: string, versionFlag: string])[]
  run(run: LoadRun): Promise<LoadResult>
}

/** Reads the line of JSON that every generator prints, whatever else it says. */
export function parseResult(output: string): LoadResult {
  const found = /^result (\{.*\})$/m.exec(output)
  if (found === null) throw new Error(`the load generator printed no result:\n${output}`)
  return JSON.parse(found[1] as string) as LoadResult
}

export function countFailures(failures: Failures): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0)
}
