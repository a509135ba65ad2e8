import type { Load } from './cases.ts'
import { generators } from './generators/index.ts'
import { usageOf } from './procfs.ts'
import type { Round } from './result.ts'
import type { Subject } from './subject.ts'

export interface Measuring {
  readonly load: Load
  readonly seconds: number
  /** Requests per second, for loads of a constant rate; null for others. */
  readonly rate: number | null
  readonly microsPerTick: number
  readonly signal: AbortSignal
}

/** Loads a subject for some seconds; rejects when it ended before or meanwhile. */
export async function measure(
  { url, running, certificate, cpus }: Subject,
  { load, seconds, rate, microsPerTick, signal }: Measuring,
): Promise<Round> {
  running.checkAlive()
  const before = usageOf(running.pid, microsPerTick)
  const run = { url, load, seconds, rate, certificate, cpus, signal }
  const { micros, lagP99Micros = null, ...result } = await generators[load.sending].run(run)
  running.checkAlive()
  const after = usageOf(running.pid, microsPerTick)
  const userMicrosPerRequest = (after.userMicros - before.userMicros) / result.requests
  const systemMicrosPerRequest = (after.systemMicros - before.systemMicros) / result.requests
  return {
    ...result,
    lagP99Micros,
    cpuMicrosPerRequest: userMicrosPerRequest + systemMicrosPerRequest,
    userMicrosPerRequest,
    systemMicrosPerRequest,
    requestsPerSecond: (result.requests / micros) * 1_000_000,
  }
}
