import type { Endpoint } from '../core/endpoint.ts'
import type { Picker, PickInput } from '../core/picker.ts'
import type { HashKey } from '../core/snapshot.ts'
import type { Balancer } from './contract.ts'
import { hashText, mix } from './hash.ts'
import { hashOfKey, noKey } from './hash-key.ts'
import { Lottery } from './lottery.ts'
import { P2cPicker } from './p2c.ts'

/** What an endpoint may have in flight, to the mean by weight over all of them. */
const loadFactor = 1.25
/** Up to so many in flight an endpoint is not loaded, whatever the mean: quiet services keep their keys together. */
const calmInflight = 8
/** What is in flight in all is counted again after so many picks per endpoint. */
const recountShare = 1 / 8
/** One of all hashes. */
const perHash = 1 / 2 ** 32
/** Any other number than that of `hashText`. */
const secondSeed = 0x9747b28c

/**
 * Requests of one key go to one endpoint, the same in every thread and every gateway that has the same list, and to another one
 * only when that one is gone, was tried, or has more than 1.25 × its share in flight (over all threads). Requests without a key
 * go to the less loaded of two drawn by weight.
 *
 * Weighted rendezvous hashing (Thaler and Ravishankar, 1998; weights by the logarithmic method of Schindelhauer and Schomaker,
 * 2005): every endpoint has a score for every key, and the least wins. So a change of one endpoint or weight moves the keys that it gains or loses and no
 * other, there is nothing to build, and the order of scores is the order of retries. A pick looks at every endpoint.
 */
export const consistentHash: Balancer = {
  build: (eligible, { random, hash }) => new ConsistentHashPicker(new Lottery(eligible, random), hash),
}

class ConsistentHashPicker implements Picker {
  readonly #endpoints: readonly Endpoint[]
  readonly #keyless: Picker
  readonly #key: HashKey | null
  /** Of the whole, by weight; their sum is 1. */
  readonly #shares: Float64Array
  /** 1 over the weight: what scores are multiplied by. */
  readonly #lengths: Float64Array
  /** 64 bits of each endpoint's identity. */
  readonly #ids: Int32Array
  readonly #salts: Int32Array
  readonly #recountAfter: number
  #picksLeft = 0
  #inflight = 0

  constructor(lottery: Lottery, key: HashKey | null) {
    const { endpoints, weights } = lottery
    this.#endpoints = endpoints
    this.#keyless = new P2cPicker(lottery)
    this.#key = key
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    this.#shares = weights.map((weight) => weight / total)
    this.#lengths = weights.map((weight) => 1 / weight)
    this.#ids = new Int32Array(endpoints.length)
    this.#salts = new Int32Array(endpoints.length)
    for (const [index, { id }] of endpoints.entries()) {
      this.#ids[index] = hashText(id)
      this.#salts[index] = hashText(id, 0, id.length, secondSeed)
    }
    this.#recountAfter = Math.floor(endpoints.length * recountShare)
  }

  pick(input: PickInput): Endpoint | null {
    const endpoints = this.#endpoints
    if (endpoints.length === 0) return null
    const key = this.#key === null ? noKey : hashOfKey(input, this.#key)
    if (key === noKey) return this.#keyless.pick(input)
    if (--this.#picksLeft < 0) this.#recount()
    const first = this.#next(key, -1, input.tried)
    if (first === -1 || this.#hasRoom(first)) return endpoints[first] ?? null
    this.#recount()
    for (let at = first; at !== -1; at = this.#next(key, at, input.tried)) if (this.#hasRoom(at)) return endpoints[at]!
    // Those with room were tried already.
    return endpoints[first]!
  }

  /** The untried member whose score follows that of `after` (-1: the least of all), or -1. Equal scores follow by identity. */
  #next(key: number, after: number, tried: readonly Endpoint[] | null): number {
    const endpoints = this.#endpoints
    const ids = this.#ids
    const salts = this.#salts
    const lengths = this.#lengths
    const floor = after === -1 ? -1 : this.#score(key, after)
    let best = -1
    let bestScore = Infinity
    for (let i = 0; i < ids.length; i++) {
      const share = shareOf(mix(key ^ ids[i]!, salts[i]!))
      const length = lengths[i]!
      // -ln x ≥ 1 - x: most members are out without a logarithm.
      if ((1 - share) * length > bestScore) continue
      const score = -Math.log(share) * length
      if (score > bestScore || (score === bestScore && !this.#isBefore(i, best))) continue
      if (score < floor || (score === floor && !this.#isBefore(after, i))) continue
      if (tried !== null && tried.includes(endpoints[i]!)) continue
      best = i
      bestScore = score
    }
    return best
  }

  #score(key: number, index: number): number {
    return -Math.log(shareOf(mix(key ^ this.#ids[index]!, this.#salts[index]!))) * this.#lengths[index]!
  }

  /** Any order will do that does not depend on the list's: gateways have it in different ones. */
  #isBefore(a: number, b: number): boolean {
    if (a === -1 || b === -1) return a === -1
    return this.#endpoints[a]!.id < this.#endpoints[b]!.id
  }

  #hasRoom(index: number): boolean {
    const inflight = this.#endpoints[index]!.cell.inflight() + 1
    if (inflight <= calmInflight) return true
    return inflight <= Math.ceil(loadFactor * (this.#inflight + 1) * this.#shares[index]!)
  }

  #recount(): void {
    const endpoints = this.#endpoints
    let inflight = 0
    for (let i = 0; i < endpoints.length; i++) inflight += endpoints[i]!.cell.inflight()
    this.#inflight = inflight
    this.#picksLeft = this.#recountAfter
  }
}

/** A hash as a number between 0 and 1, without either. */
function shareOf(hash: number): number {
  return ((hash >>> 0) + 0.5) * perHash
}
