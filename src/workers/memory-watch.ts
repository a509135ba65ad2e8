import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { resourceLimits } from 'node:worker_threads'

/** From so much on, in two looks in a row, new requests are turned away; under the lower one they are served again. */
const shedAtShare = 0.9
const serveUnderShare = 0.8
const looksToShed = 2
const bytesPerMebibyte = 1024 ** 2

/** What is in use, and what may be; garbage that is not collected yet included. */
export interface MemoryReading {
  readonly heapBytes: number
  /** What this thread dies at. */
  readonly heapLimitBytes: number
  /** Resident memory of the whole process: buffers of every thread, kept bodies and sockets in it. */
  readonly processBytes: number
  /** What the process is killed at: its cgroup's, else all there is. */
  readonly processLimitBytes: number
}

/** Of the calling thread. */
export function readMemory(): MemoryReading {
  const { used_heap_size: heapBytes, heap_size_limit: heapSizeLimit } = getHeapStatistics()
  const { maxOldGenerationSizeMb: limitMb } = resourceLimits
  // Without a cgroup it says 0, or more than there is.
  const constrainedBytes = process.constrainedMemory() || Infinity
  return {
    heapBytes,
    // A worker dies when its old generation is full; the limit that V8 tells is above that.
    heapLimitBytes: limitMb === undefined ? heapSizeLimit : limitMb * bytesPerMebibyte,
    processBytes: process.memoryUsage.rss(),
    processLimitBytes: Math.min(constrainedBytes, totalmem()),
  }
}

/** Decides when memory is so short that no new request may be taken, by readings that come about once a second. */
export class MemoryWatch {
  readonly #onChange: (isShedding: boolean, cause: string) => void
  #isShedding = false
  #looks = 0

  /** @param onChange called once when shedding begins and once when it ends, with a sentence */
  constructor(onChange: (isShedding: boolean, cause: string) => void) {
    this.#onChange = onChange
  }

  look(reading: MemoryReading): void {
    const heapShare = reading.heapBytes / reading.heapLimitBytes
    const processShare = reading.processBytes / reading.processLimitBytes
    const share = Math.max(heapShare, processShare)
    this.#looks = share >= shedAtShare ? this.#looks + 1 : 0
    const changes = this.#isShedding ? share < serveUnderShare : this.#looks >= looksToShed
    if (!changes) return
    this.#isShedding = !this.#isShedding
    const what = heapShare > processShare ? "the thread's heap" : "the process's memory"
    this.#onChange(this.#isShedding, `${what} is at ${Math.round(share * 100)} % of its limit`)
  }
}
