import type { EventLoopUtilization } from 'node:perf_hooks'
import type { WorkerCell } from '../core/worker-cell.ts'

/** Time from one look to the next. */
export const lookMs = 1000
/** Looks that make up what is shown: ten seconds. */
const shownLooks = 10
/** So much of its heap a thread may hold; above it, V8 soon does little but collect garbage, and then the thread dies. */
const maxHeapShare = 0.85

/** `performance.eventLoopUtilization` of the thread. */
export type ReadUtilization = (now?: EventLoopUtilization, since?: EventLoopUtilization) => EventLoopUtilization

/** The event loop of one data thread as it looks from outside, at one look after the other. It is never asked for anything. */
export class Pulse {
  readonly #cell: WorkerCell
  readonly #utilization: ReadUtilization
  readonly #delaysMs: number[] = []
  readonly #readings: EventLoopUtilization[]
  #beats: number
  #silentLooks = 0
  #crowdedLooks = 0

  constructor(cell: WorkerCell, utilization: ReadUtilization) {
    this.#cell = cell
    this.#utilization = utilization
    this.#beats = cell.beats()
    this.#readings = [utilization()]
  }

  /** To be called every `lookMs`. */
  look(): void {
    const beats = this.#cell.beats()
    this.#silentLooks = beats === this.#beats ? this.#silentLooks + 1 : 0
    this.#beats = beats
    this.#crowdedLooks = this.#cell.heapShare() > maxHeapShare ? this.#crowdedLooks + 1 : 0
    this.#delaysMs.push(this.#cell.takeDelayMs())
    if (this.#delaysMs.length > shownLooks) this.#delaysMs.shift()
    this.#readings.push(this.#utilization())
    if (this.#readings.length > shownLooks) this.#readings.shift()
  }

  /** Looks in a row that saw no beat. They are counted, not time: a stall of the one who looks is none of the others'. */
  get silentLooks(): number {
    return this.#silentLooks
  }

  /** Looks in a row at which the heap was nearly full. */
  get crowdedLooks(): number {
    return this.#crowdedLooks
  }

  /** A full heap is overlooked so many times: nothing can be done about it now. */
  excuse(looks: number): void {
    this.#crowdedLooks = -looks
  }

  /** The latest that the event loop was for a beat in the last ten seconds. */
  get delayMs(): number {
    return Math.max(0, ...this.#delaysMs)
  }

  /** Share of the last ten seconds in which the event loop was not waiting, 0 to 1. */
  get utilization(): number {
    return this.#utilization(this.#utilization(), this.#readings[0]).utilization
  }
}
