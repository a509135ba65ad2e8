import type { Endpoint } from '../core/endpoint.ts'
import type { Random } from '../util/random.ts'
import { membersOf } from './members.ts'

/**
 * When each member's turn comes, in virtual time: a member of weight w has w turns per unit, evenly spaced. Taking turns in
 * the order in which they are due shares exactly by weight over every unit, needs no table of turns however large the weights
 * are, and never gives a heavy member all its turns in a row.
 *
 * The first turns are spread over the unit from a random start, so that data threads and gateways don't begin with the same
 * endpoint. A rotation that replaces another keeps how much of its turn each endpoint still had to wait.
 */
export class Rotation {
  readonly endpoints: readonly Endpoint[]
  readonly weights: Float64Array
  /** When the member's next turn is due. Never sorted; pickers look for the first in their own way. */
  readonly due: Float64Array
  #time = 0

  constructor(eligible: readonly Endpoint[], random: Random, previous: Rotation | null) {
    const { endpoints, weights } = membersOf(eligible)
    this.endpoints = endpoints
    this.weights = weights
    const waits = previous?.waits()
    const start = random()
    this.due = Float64Array.from(endpoints, (endpoint, index) => {
      const wait = waits?.get(endpoint) ?? (start + index / endpoints.length) % 1
      return wait / weights[index]!
    })
  }

  /** Gives a member a turn. Time moves on to it, and turns that were missed meanwhile are not made up for. */
  take(index: number): Endpoint {
    const { due, weights } = this
    const turn = Math.max(due[index]!, this.#time)
    due[index] = turn + 1 / weights[index]!
    this.#time = turn
    if (turn >= 1) this.#rebase()
    return this.endpoints[index]!
  }

  /** Gives a member a turn before it is due; the others keep theirs. */
  takeEarly(index: number): Endpoint {
    this.due[index] = this.due[index]! + 1 / this.weights[index]!
    return this.endpoints[index]!
  }

  /** Until each member's next turn, as a share of the time between two of its turns. */
  waits(): ReadonlyMap<Endpoint, number> {
    const waits = new Map<Endpoint, number>()
    for (const [index, endpoint] of this.endpoints.entries()) {
      const wait = Math.max(this.due[index]! - this.#time, 0)
      waits.set(endpoint, wait * this.weights[index]!)
    }
    return waits
  }

  /** Keeps times small, so that adding to them stays precise; once per unit, whose length is the sum of the weights. */
  #rebase(): void {
    for (let i = 0; i < this.due.length; i++) this.due[i] = this.due[i]! - 1
    this.#time -= 1
  }
}
