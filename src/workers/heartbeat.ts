import { getHeapStatistics } from 'node:v8'
import type { WorkerMeter } from '../core/meter.ts'
import type { WorkerCell } from '../core/worker-cell.ts'

/** That of the timer wheel: one wake-up of the event loop serves both. */
const beatMs = 50
const beatsPerHeapReading = 20

/**
 * Shows that the event loop of this thread turns, how late it is when it does, and what its heap holds; all of it in shared
 * memory. Keeps no process alive.
 */
export class Heartbeat {
  readonly #cell: WorkerCell
  readonly #meter: WorkerMeter
  readonly #interval: NodeJS.Timeout
  #beatenMs = performance.now()
  #beats = 0

  constructor(cell: WorkerCell, meter: WorkerMeter) {
    this.#cell = cell
    this.#meter = meter
    this.#interval = setInterval(() => this.#beat(), beatMs).unref()
  }

  stop(): void {
    clearInterval(this.#interval)
  }

  #beat(): void {
    const nowMs = performance.now()
    const lateMs = Math.max(nowMs - this.#beatenMs - beatMs, 0)
    this.#beatenMs = nowMs
    this.#cell.beat(lateMs)
    this.#meter.beatLate(lateMs / 1000)
    if (this.#beats++ % beatsPerHeapReading !== 0) return
    const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = getHeapStatistics()
    this.#cell.setHeap(usedBytes, limitBytes)
  }
}
