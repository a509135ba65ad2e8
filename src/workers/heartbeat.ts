import type { WorkerMeter } from '../core/meter.ts'
import type { WorkerCell } from '../core/worker-cell.ts'
import { type MemoryReading, readMemory } from './memory-watch.ts'

/** That of the timer wheel: one wake-up of the event loop serves both. */
const beatMs = 50
const beatsPerReading = 20

export interface HeartbeatParts {
  readonly now?: () => number
  readonly memory?: () => MemoryReading
  /** Called about once a second. */
  readonly onReading?: (reading: MemoryReading) => void
}

/**
 * Shows that the event loop of this thread turns, how late it is when it does, and what its heap holds; all of it in shared
 * memory. Keeps no process alive.
 */
export class Heartbeat {
  readonly #cell: WorkerCell
  readonly #meter: WorkerMeter
  readonly #now: () => number
  readonly #readMemory: () => MemoryReading
  readonly #onReading: (reading: MemoryReading) => void
  readonly #interval: NodeJS.Timeout
  #beatenMs: number
  #beats = 0

  constructor(cell: WorkerCell, meter: WorkerMeter, parts: HeartbeatParts = {}) {
    const { now = () => performance.now(), memory = readMemory, onReading = () => {} } = parts
    this.#cell = cell
    this.#meter = meter
    this.#now = now
    this.#readMemory = memory
    this.#onReading = onReading
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
    if (this.#beats++ % beatsPerReading !== 0) return
    const reading = this.#readMemory()
    this.#cell.setHeap(reading.heapBytes, reading.heapLimitBytes)
    this.#onReading(reading)
  }
}
