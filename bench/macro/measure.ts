import type { Load } from './cases.ts'
import type { CpuPlan } from './cpus.ts'
import { usageOf } from './procfs.ts'
import type { Round } from './result.ts'
import type { Subject } from './subject.ts'
import { runWrk } from './wrk.ts'

export interface Measuring {
  readonly load: Load
  readonly seconds: number
  readonly cpus: CpuPlan
  readonly microsPerTick: number
  readonly signal: AbortSignal
}

/** Loads a subject for some seconds; rejects when it ended before or meanwhile. */
export async function measure(
  { url, running }: Subject,
  { load, seconds, cpus, microsPerTick, signal }: Measuring,
): Promise<Round> {
  running.checkAlive()
  const before = usageOf(running.pid, microsPerTick)
  const { micros, ...result } = await runWrk({ url, load, seconds, cpus, signal })
  running.checkAlive()
  const after = usageOf(running.pid, microsPerTick)
  return {
    ...result,
    cpuMicrosPerRequest: (after.cpuMicros - before.cpuMicros) / result.requests,
    requestsPerSecond: (result.requests / micros) * 1_000_000,
  }
}
