import { getHeapStatistics } from 'node:v8'
import { resourceLimits } from 'node:worker_threads'
import type { WorkerMeter } from '../core/meter.ts'
import type { WorkerCell } from '../core/worker-cell.ts'

/** That of the timer wheel: one wake-up of the event loop serves both. */
const beatMs = 50
const beatsPerHeapReading = 20
const bytesPerMebibyte = 1024 ** 2

/**
 * Shows that the event loop of this thread turns, how late it is when it does, and what its heap holds; all of it in shared
 * memory. Keeps no process alive.
 */
export class Heartbeat {
  readonly #cell: WorkerCell
  readonly #meter: WorkerMeter
  readonly #now: () => number
  readonly #interval: NodeJS.Timeout
  #beatenMs: number
  #beats = 0

  constructor(cell: WorkerCell, meter: WorkerMeter, now = () => performance.now()) {
    this.#cell = cell
    this.#meter = meter
    this.#now = now
    this.#beatenMs = now()
    this.#interval = setInterval(() => this.beat(), beatMs).unref()
  }

  stop(): void {
    clearInterval(this.#interval)
  }

  /** Called by the interval, and by tests with their own clock. */
  beat(): void {
    const nowMs = this.#now()
    const lateMs = Math.max(nowMs - this.#beatenMs - beatMs, 0)
    this.#beatenMs = nowMs
    this.#cell.beat(lateMs)
    this.#meter.beatLate(lateMs / 1000)
    if (this.#beats++ % beatsPerHeapReading !== 0) return
    const { used_heap_size: usedBytes, heap_size_limit: processLimitBytes } = getHeapStatistics()
    const { maxOldGenerationSizeMb: limitMb } = resourceLimits
    // A worker dies when its old generation is full; the limit that V8 tells is above that.
    this.#cell.setHeap(usedBytes, limitMb === undefined ? processLimitBytes : limitMb * bytesPerMebibyte)
  }
}
