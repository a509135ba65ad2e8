import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { CpuPlan } from '../cpus.ts'
import { type LoadResult, parseResult } from './contract.ts'

const run = promisify(execFile)

/** Runs a generator's command on its CPUs and reads its result. Rejects with what the command said when it fails. */
export async function runPinned(
  command: readonly string[],
  { cpus, signal }: { readonly cpus: CpuPlan; readonly signal: AbortSignal },
): Promise<LoadResult> {
  const { stdout } = await run('taskset', ['-c', cpus.rest, ...command], { signal })
  return parseResult(stdout)
}
