/** Columns of a row: the total, then one share per worker, then one version per worker. */
const total = 0
const shares = 1

/** Looks at a row until it is left for later: a worker's stores take some hundred nanoseconds. */
const maxLooks = 1000

function strideOf(workers: number): number {
  return shares + 2 * workers
}

export function createCountSegment(rows: number, workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(rows * strideOf(workers) * 4)
}

/**
 * A count over all threads that is kept within a limit: the connections of a listener, the exchanges of a service.
 *
 * The total is what decides: no thread takes a place beyond a limit, nor refuses one below it, whoever else takes or lets
 * go at the same time. The shares say what a dead worker had. It may have died between its two stores, with the total one
 * off; so a worker's version is odd in between, and `settle` mends the total of a row in which nobody is in between. No thread
 * ever waits for another.
 */
export class LimitedCount {
  readonly #ints: Int32Array
  readonly #base: number
  readonly #own: number
  readonly #version: number
  readonly #workers: number

  /** @param worker -1 for the control plane, which only reads */
  constructor(segment: SharedArrayBuffer, row: number, workers: number, worker: number) {
    this.#ints = new Int32Array(segment)
    this.#base = row * strideOf(workers)
    this.#own = this.#base + shares + worker
    this.#version = this.#own + workers
    this.#workers = workers
  }

  /** Places taken over all threads. */
  count(): number {
    return Atomics.load(this.#ints, this.#base + total)
  }

  /** Those of one thread. */
  countOf(worker: number): number {
    return Atomics.load(this.#ints, this.#base + shares + worker)
  }

  /** Takes one more place for this thread; false, and nothing is counted, when there are `limit` already. */
  acquire(limit: number): boolean {
    const ints = this.#ints
    const at = this.#base + total
    Atomics.add(ints, this.#version, 1)
    let open = Atomics.load(ints, at)
    while (open < limit) {
      const found = Atomics.compareExchange(ints, at, open, open + 1)
      if (found === open) break
      open = found
    }
    const fits = open < limit
    if (fits) Atomics.add(ints, this.#own, 1)
    Atomics.add(ints, this.#version, 1)
    return fits
  }

  /** One of this thread's places is free again. */
  release(): void {
    Atomics.add(this.#ints, this.#version, 1)
    Atomics.sub(this.#ints, this.#base + total, 1)
    Atomics.sub(this.#ints, this.#own, 1)
    Atomics.add(this.#ints, this.#version, 1)
  }

  /** Gives back a dead worker's share; the total may be one off until `settle`. For the control plane. */
  takeBack(worker: number): void {
    const own = this.#base + shares + worker
    Atomics.sub(this.#ints, this.#base + total, Atomics.exchange(this.#ints, own, 0))
    Atomics.store(this.#ints, own + this.#workers, 0)
  }

  /**
   * Makes the total what the shares add up to. For the control plane, which alone may call it.
   *
   * @returns false when some thread was between two stores each time it looked: then it is to be called again later
   */
  settle(): boolean {
    for (let look = 0; look < maxLooks; look++) {
      const version = this.#versionAtRest()
      if (version === null) continue
      let sum = 0
      const counted = this.count()
      for (let worker = 0; worker < this.#workers; worker++) sum += this.countOf(worker)
      if (this.#versionAtRest() !== version) continue
      // By difference: whatever was taken or let go since is in both.
      Atomics.sub(this.#ints, this.#base + total, counted - sum)
      return true
    }
    return false
  }

  /** For a row that is used again for something else. */
  clear(): void {
    this.#ints.fill(0, this.#base, this.#base + strideOf(this.#workers))
  }

  /** What the versions add up to, which never comes again since none goes down; null while one of them is odd. */
  #versionAtRest(): number | null {
    let sum = 0
    const first = this.#base + shares + this.#workers
    for (let worker = 0; worker < this.#workers; worker++) {
      const version = Atomics.load(this.#ints, first + worker)
      if (version % 2 !== 0) return null
      sum += version
    }
    return sum
  }
}
