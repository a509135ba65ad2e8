import { execFile } from 'node:child_process'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import type { CpuPlan } from '../cpus.ts'
import { type LoadResult, parseResult } from './contract.ts'

const run = promisify(execFile)

/** Runs a generator's command on its CPUs and reads its result. Rejects with the error that the command ended with. */
export async function runPinned(
  command: readonly [string, ...string[]],
  { cpus, signal }: { readonly cpus: CpuPlan; readonly signal: AbortSignal },
): Promise<LoadResult> {
  try {
    const { stdout } = await run('taskset', ['-c', cpus.rest, ...command], { signal })
    return parseResult(stdout)
  } catch (error) {
    signal.throwIfAborted()
    throw new Error(`${basename(command[0])}: ${errorLine(error as Error & { stderr?: string })}`, { cause: error })
  }
}

/** Of what it wrote, the line that says what went wrong; or what kept it from running. */
function errorLine({ message, stderr = '' }: Error & { readonly stderr?: string }): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  return lines.find((line) => /^(?:\w*Error|luajit): /.test(line)) ?? lines.at(-1) ?? message
}
