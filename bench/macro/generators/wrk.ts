import { fileURLToPath } from 'node:url'
import type { Generator, LoadResult, LoadRun } from './contract.ts'
import { runPinned } from './pinned.ts'

const script = fileURLToPath(new URL('./wrk.lua', import.meta.url))
const commands = [['wrk', '-v']] as const

/** Sends as fast as the answers come, over all connections at once, the same request each time. */
export const wrk: Generator = { commands, run: async (run) => runWrk(run, 'same') }

/** The same, but each request differs from the one before it on its connection. */
export const wrkVaried: Generator = { commands, run: async (run) => runWrk(run, 'varied') }

async function runWrk({ url, load, seconds, cpus, signal }: LoadRun, requests: 'same' | 'varied'): Promise<LoadResult> {
  const threads = Math.min(cpus.restCount, load.connections)
  const sizes = ['-t', `${threads}`, '-c', `${load.connections}`, '-d', `${seconds}s`]
  const fields = load.headers.flatMap((field) => ['-H', field])
  const own = [`${load.requestBodyBytes}`, requests]
  return runPinned(['wrk', ...sizes, '-s', script, ...fields, url, '--', ...own], { cpus, signal })
}
