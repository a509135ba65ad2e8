import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Load } from './cases.ts'
import type { CpuPlan } from './cpus.ts'

const script = fileURLToPath(new URL('./wrk.lua', import.meta.url))
const run = promisify(execFile)

/** Requests that got no answer by what went wrong; `status`: answered with 400 or more. */
export interface Failures {
  readonly connect: number
  readonly read: number
  readonly write: number
  readonly timeout: number
  readonly status: number
}

export interface WrkResult {
  /** Answered requests, failed statuses included. */
  readonly requests: number
  readonly micros: number
  readonly p50Micros: number
  readonly p99Micros: number
  readonly p999Micros: number
  readonly failures: Failures
}

export interface WrkRun {
  readonly url: string
  readonly load: Load
  readonly seconds: number
  readonly cpus: CpuPlan
  /** Ends it early; the promise rejects with an AbortError. */
  readonly signal: AbortSignal
}

/** Sends as fast as the answers come, over all connections at once. */
export async function runWrk({ url, load, seconds, cpus, signal }: WrkRun): Promise<WrkResult> {
  const threads = Math.min(cpus.restCount, load.connections)
  const fields = load.headers.flatMap((field) => ['-H', field])
  const wrk = [
    'wrk',
    '-t',
    `${threads}`,
    '-c',
    `${load.connections}`,
    '-d',
    `${seconds}s`,
    '-s',
    script,
    ...fields,
    url,
  ]
  const { stdout } = await run('taskset', ['-c', cpus.rest, ...wrk, '--', `${load.requestBodyBytes}`], { signal })
  return parseWrk(stdout)
}

/** Reads what wrk.lua prints after wrk's own report. */
export function parseWrk(output: string): WrkResult {
  const found = /^result (\{.*\})$/m.exec(output)
  if (found === null) throw new Error(`wrk printed no result:\n${output}`)
  return JSON.parse(found[1] as string) as WrkResult
}

export function countFailures(failures: Failures): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0)
}
