import { renameSync, writeFileSync } from 'node:fs'
import { getHeapStatistics } from 'node:v8'
import { isMainThread } from 'node:worker_threads'

/** Memory of a gateway's first thread, which is the control thread. */
export interface HeapReport {
  /** The most that its heap has been, garbage included, as far as the system gives pages for it, and what hangs on it. */
  readonly mostBytes: number
}

const everyMs = 500

/** Imported into a gateway, has it write its report into the file that this names. */
export const reportVariable = 'TIDEGATE_BENCH_HEAP'

const file = process.env[reportVariable]
if (isMainThread && file !== undefined) {
  let mostBytes = 0
  setInterval(() => {
    const { total_physical_size: heapBytes, external_memory: externalBytes } = getHeapStatistics()
    mostBytes = Math.max(mostBytes, heapBytes + externalBytes)
    writeFileSync(`${file}.new`, JSON.stringify({ mostBytes } satisfies HeapReport))
    renameSync(`${file}.new`, file)
  }, everyMs).unref()
}
