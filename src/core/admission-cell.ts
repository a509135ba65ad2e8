import { createCountSegment, LimitedCount } from './limited-count.ts'

/** Columns of a queue row: the last ticket, then the ticket that is next in each worker, then what each worker is woken by. */
const lastTicket = 0
const heads = 1

/** Of the rows of services: two counts each, in flight and waiting, and the order among those that wait. */
export interface AdmissionSegment {
  readonly counts: SharedArrayBuffer
  readonly queues: SharedArrayBuffer
}

function strideOf(workers: number): number {
  return heads + 2 * workers
}

export function createAdmissionSegment(rows: number, workers: number): AdmissionSegment {
  return {
    counts: createCountSegment(2 * rows, workers),
    queues: new SharedArrayBuffer(rows * strideOf(workers) * 4),
  }
}

/** Nobody waits in a dead worker any more. */
export function takeBackQueue({ queues }: AdmissionSegment, workers: number, worker: number): void {
  const ints = new Int32Array(queues)
  for (let base = 0; base < ints.length; base += strideOf(workers)) Atomics.store(ints, base + heads + worker, 0)
}

/**
 * The row of a service whose requests are limited. Each thread keeps those that wait in a queue of its own, and shows here the
 * ticket of its first: the thread with the oldest one is next, so that none is passed over whichever thread frees a place.
 */
export class AdmissionCell {
  readonly inflight: LimitedCount
  readonly waiting: LimitedCount
  readonly #ints: Int32Array
  readonly #base: number
  readonly #workers: number
  readonly #worker: number

  /** @param worker -1 for the control plane, which only reads */
  constructor({ counts, queues }: AdmissionSegment, row: number, workers: number, worker: number) {
    this.inflight = new LimitedCount(counts, 2 * row, workers, worker)
    this.waiting = new LimitedCount(counts, 2 * row + 1, workers, worker)
    this.#ints = new Int32Array(queues)
    this.#base = row * strideOf(workers)
    this.#workers = workers
    this.#worker = worker
  }

  /** Never 0. */
  takeTicket(): number {
    const ticket = (Atomics.add(this.#ints, this.#base + lastTicket, 1) + 1) | 0
    return ticket === 0 ? this.takeTicket() : ticket
  }

  /** @param ticket of the first that waits in this thread; 0 = none does */
  show(ticket: number): void {
    Atomics.store(this.#ints, this.#base + heads + this.#worker, ticket)
  }

  /** True unless another thread's first has waited longer than that of this one; that thread is woken then. */
  isTurn(): boolean {
    let [first, oldest] = [-1, 0]
    for (let worker = 0; worker < this.#workers; worker++) {
      const ticket = Atomics.load(this.#ints, this.#base + heads + worker)
      // Tickets wrap around: what counts is which is behind which.
      if (ticket === 0 || (first !== -1 && ((ticket - oldest) | 0) >= 0)) continue
      first = worker
      oldest = ticket
    }
    if (first === -1 || first === this.#worker) return true
    const at = this.#wakeAt(first)
    Atomics.add(this.#ints, at, 1)
    Atomics.notify(this.#ints, at)
    return false
  }

  /** How often this thread was woken; for `woken`. */
  wakes(): number {
    return Atomics.load(this.#ints, this.#wakeAt(this.#worker))
  }

  /** Resolves when this thread is woken; null when it has been since `wakes` was read. */
  woken(wakes: number): Promise<unknown> | null {
    const wait = Atomics.waitAsync(this.#ints, this.#wakeAt(this.#worker), wakes)
    return wait.async ? wait.value : null
  }

  /** True where no other thread is there to wake this one. */
  get isAlone(): boolean {
    return this.#workers === 1
  }

  /** Nothing of it is in use. */
  isIdle(): boolean {
    return this.inflight.count() === 0 && this.waiting.count() === 0
  }

  /** For a row that is used again by another service. */
  clear(): void {
    this.inflight.clear()
    this.waiting.clear()
    this.#ints.fill(0, this.#base, this.#base + strideOf(this.#workers))
  }

  #wakeAt(worker: number): number {
    return this.#base + heads + this.#workers + worker
  }
}
