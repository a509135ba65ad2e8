import type { Endpoint } from '../core/endpoint.ts'
import type { Random } from '../util/random.ts'
import { membersOf } from './members.ts'

/**
 * Draws members by weight. The first attempt costs one random number and one look-up, whatever the weights (Walker's alias
 * method): column i holds member i for a share of its width and one other member, its alias, for the rest.
 */
export class Lottery {
  readonly endpoints: readonly Endpoint[]
  readonly weights: Float64Array
  readonly #random: Random
  readonly #shares: Float64Array
  readonly #aliases: Uint32Array

  constructor(eligible: readonly Endpoint[], random: Random) {
    const { endpoints, weights } = membersOf(eligible)
    this.endpoints = endpoints
    this.weights = weights
    this.#random = random
    this.#shares = new Float64Array(weights.length).fill(1)
    this.#aliases = new Uint32Array(weights.length)
    this.#fillColumns()
  }

  /** Index of a member; there must be one. */
  draw(): number {
    const at = this.#random() * this.endpoints.length
    const column = Math.floor(at)
    return at - column < this.#shares[column]! ? column : this.#aliases[column]!
  }

  /** Index of a member that is neither tried nor `except`, or -1. Looks at all of them: for retries. */
  drawUntried(tried: readonly Endpoint[], except: number): number {
    let drawn = -1
    let total = 0
    for (let i = 0; i < this.endpoints.length; i++) {
      if (i === except || tried.includes(this.endpoints[i]!)) continue
      const weight = this.weights[i]!
      total += weight
      if (this.#random() * total < weight) drawn = i
    }
    return drawn
  }

  /** Index of any member but `except`, all alike; there must be another. */
  drawOther(except: number): number {
    const others = this.endpoints.length - 1
    return (except + 1 + Math.floor(this.#random() * others)) % this.endpoints.length
  }

  #fillColumns(): void {
    const mean = this.weights.reduce((sum, weight) => sum + weight, 0) / this.weights.length
    const left = this.weights.map((weight) => weight / mean)
    const small: number[] = []
    const large: number[] = []
    for (const [index, share] of left.entries()) (share < 1 ? small : large).push(index)
    for (;;) {
      const under = small.pop()
      const over = large.at(-1)
      // What rounding leaves in either list keeps its full column.
      if (under === undefined || over === undefined) return
      this.#shares[under] = left[under]!
      this.#aliases[under] = over
      left[over] = left[over]! + left[under]! - 1
      if (left[over] < 1) small.push(large.pop()!)
    }
  }
}
