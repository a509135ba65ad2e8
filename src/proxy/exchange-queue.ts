import type { Exchange } from './exchange.ts'

/** Exchanges in the order in which they came; each is in one queue at most, and linked in itself: nothing is allocated for it. */
export class ExchangeQueue {
  #first: Exchange | null = null
  #last: Exchange | null = null

  get first(): Exchange | null {
    return this.#first
  }

  push(x: Exchange): void {
    x.waitsBehind = this.#last
    if (this.#last === null) this.#first = x
    else this.#last.waitsBefore = x
    this.#last = x
  }

  remove(x: Exchange): void {
    const { waitsBehind: before, waitsBefore: after } = x
    x.waitsBehind = null
    x.waitsBefore = null
    if (before === null) this.#first = after
    else before.waitsBefore = after
    if (after === null) this.#last = before
    else after.waitsBehind = before
  }
}
