import type { Endpoint } from '../core/endpoint.ts'
import type { Picker, PickInput } from '../core/picker.ts'
import type { Balancer } from './contract.ts'
import { Rotation } from './rotation.ts'

/** Each endpoint in turn, by weight: exact over every cycle, whatever is rebuilt meanwhile. A pick costs log₂ n steps. */
export const roundRobin: Balancer = {
  build(eligible, { random }, previous) {
    return new RoundRobinPicker(
      new Rotation(eligible, random, previous instanceof RoundRobinPicker ? previous.rotation : null),
    )
  },
}

class RoundRobinPicker implements Picker {
  readonly rotation: Rotation
  /** Member indexes as a binary heap by `due`. Rebasing the rotation moves all alike and keeps the order. */
  readonly #heap: Uint32Array

  constructor(rotation: Rotation) {
    this.rotation = rotation
    this.#heap = Uint32Array.from(rotation.endpoints.keys()).toSorted((a, b) => this.#due(a) - this.#due(b))
  }

  pick({ tried }: PickInput): Endpoint | null {
    if (tried !== null) return this.#pickUntried(tried)
    if (this.#heap.length === 0) return null
    const endpoint = this.rotation.take(this.#heap[0]!)
    this.#sink(0)
    return endpoint
  }

  /** For retries: looks at all, takes the first due. */
  #pickUntried(tried: readonly Endpoint[]): Endpoint | null {
    let first = -1
    for (let at = 0; at < this.#heap.length; at++) {
      const index = this.#heap[at]!
      if (tried.includes(this.rotation.endpoints[index]!)) continue
      if (first === -1 || this.#due(index) < this.#due(this.#heap[first]!)) first = at
    }
    if (first === -1) return null
    const endpoint = this.rotation.takeEarly(this.#heap[first]!)
    this.#sink(first)
    return endpoint
  }

  /** Restores the heap after the member at that place became due later. */
  #sink(from: number): void {
    const heap = this.#heap
    const moved = heap[from]!
    const due = this.#due(moved)
    let at = from
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#due(heap[child + 1]!) < this.#due(heap[child]!)) child++
      if (due <= this.#due(heap[child]!)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = moved
  }

  #due(index: number): number {
    return this.rotation.due[index]!
  }
}
