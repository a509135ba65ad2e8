const beats = 0
const delay = 1
const heapUsed = 2
const heapLimit = 3
const columns = 4

const bytesPerKibibyte = 1024

export function createWorkerRows(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workers * columns * 4)
}

/** How a worker is: its thread writes, the control plane reads without asking it. */
export class WorkerCell {
  readonly #ints: Int32Array
  readonly #base: number

  constructor(rows: SharedArrayBuffer, worker: number) {
    this.#ints = new Int32Array(rows)
    this.#base = worker * columns
  }

  /** The event loop turns. @param lateMs how late it was for this beat */
  beat(lateMs: number): void {
    Atomics.add(this.#ints, this.#base + beats, 1)
    const us = Math.min(Math.round(lateMs * 1000), 2 ** 31 - 1)
    if (us > Atomics.load(this.#ints, this.#base + delay)) Atomics.store(this.#ints, this.#base + delay, us)
  }

  /** Changes while the event loop turns. */
  beats(): number {
    return Atomics.load(this.#ints, this.#base + beats)
  }

  /** The latest a beat was since this was last asked, in milliseconds. */
  takeDelayMs(): number {
    return Atomics.exchange(this.#ints, this.#base + delay, 0) / 1000
  }

  setHeap(usedBytes: number, limitBytes: number): void {
    Atomics.store(this.#ints, this.#base + heapUsed, Math.round(usedBytes / bytesPerKibibyte))
    Atomics.store(this.#ints, this.#base + heapLimit, Math.round(limitBytes / bytesPerKibibyte))
  }

  /** What of the heap's limit is in use, 0 to 1; garbage that is not collected yet included. */
  heapShare(): number {
    return (
      Atomics.load(this.#ints, this.#base + heapUsed) / Math.max(Atomics.load(this.#ints, this.#base + heapLimit), 1)
    )
  }

  /** For the next thread in this row. */
  clear(): void {
    this.#ints.fill(0, this.#base, this.#base + columns)
  }
}
