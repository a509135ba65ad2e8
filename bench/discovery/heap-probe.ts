import { renameSync, writeFileSync } from 'node:fs'
import { getHeapStatistics } from 'node:v8'
import { isMainThread } from 'node:worker_threads'

/** Memory of a gateway's first thread, which is the control thread. */
export interface HeapReport {
  /** Its heap, garbage included, as far as the system gives pages for it. */
  readonly heapBytes: number
  readonly externalBytes: number
}

const everyMs = 500

/** Imported into a gateway, has it write its report into the file that this names. */
export const reportVariable = 'TIDEGATE_BENCH_HEAP'

const file = process.env[reportVariable]
if (isMainThread && file !== undefined) {
  setInterval(() => {
    const { total_physical_size: heapBytes, external_memory: externalBytes } = getHeapStatistics()
    writeFileSync(`${file}.new`, JSON.stringify({ heapBytes, externalBytes } satisfies HeapReport))
    renameSync(`${file}.new`, file)
  }, everyMs).unref()
}
