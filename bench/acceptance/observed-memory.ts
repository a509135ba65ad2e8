import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { usageOf } from '../macro/procfs.ts'

/** Flags for a gateway's Node, so that its memory can be collected and told by thread. */
export const observedFlags: readonly string[] = [
  '--expose-gc',
  '--import',
  fileURLToPath(new URL('./collect-memory.mjs', import.meta.url)),
]

const patienceMs = 30_000

/** Bytes, after garbage was collected. */
export interface Memory {
  /** Of the process, and of those it started. */
  readonly resident: number
  /** JavaScript objects of the data thread; NaN for other proxies. */
  readonly heap: number
  /** What belongs to them outside of the heap, buffers above all; NaN for other proxies. */
  readonly external: number
}

/** Memory of a proxy that knows nothing of garbage: what the system says. */
export function residentMemory(pid: number): Memory {
  return { resident: usageOf(pid, 1).residentBytes, heap: NaN, external: NaN }
}

/**
 * Memory of a gateway with one data thread that was started with `observedFlags`. Rejects when its threads do not answer.
 *
 * @param directory where its standard error goes, in a file `stderr`
 */
export async function collectedMemory(pid: number, directory: string): Promise<Memory> {
  const before = reports(directory).length
  process.kill(pid, 'SIGWINCH')
  const deadlineMs = performance.now() + patienceMs
  while (reports(directory).length < before + 2) {
    if (performance.now() > deadlineMs) throw new Error('the threads of the gateway do not say what memory they use')
    await after(20)
  }
  const data = reports(directory).findLast(({ thread }) => thread === 'data')
  if (data === undefined) throw new Error('the gateway has no data thread')
  return { resident: usageOf(pid, 1).residentBytes, heap: data.heapUsed, external: data.external }
}

interface Report {
  readonly thread: 'control' | 'data'
  readonly heapUsed: number
  readonly external: number
}

function reports(directory: string): Report[] {
  const lines = readFileSync(join(directory, 'stderr'), 'utf8').split('\n').slice(0, -1)
  return lines.filter((line) => line.startsWith('memory ')).map((line) => JSON.parse(line.slice(7)) as Report)
}
