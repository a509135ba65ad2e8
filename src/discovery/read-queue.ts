/**
 * Runs one job per waiting item, a bounded number at once and never two for the same item: an item that is added while its job
 * runs gets another one after it, since the running one may have looked too early.
 */
export class ReadQueue<Item> {
  readonly #job: (item: Item) => Promise<void>
  readonly #maxRunning: number
  readonly #urgent = new Set<Item>()
  readonly #waiting = new Set<Item>()
  readonly #running = new Set<Item>()

  /** `job` must not reject. */
  constructor(maxRunning: number, job: (item: Item) => Promise<void>) {
    this.#maxRunning = maxRunning
    this.#job = job
  }

  /** An urgent item goes before all that are not. */
  add(item: Item, urgent: boolean): void {
    if (urgent) this.#urgent.add(item)
    else this.#waiting.add(item)
    this.#start()
  }

  #start(): void {
    while (this.#running.size < this.#maxRunning) {
      const item = this.#next()
      if (item === undefined) return
      this.#urgent.delete(item)
      this.#waiting.delete(item)
      this.#running.add(item)
      void this.#job(item).then(() => {
        this.#running.delete(item)
        this.#start()
      })
    }
  }

  #next(): Item | undefined {
    for (const items of [this.#urgent, this.#waiting]) {
      for (const item of items) if (!this.#running.has(item)) return item
    }
    return undefined
  }
}
