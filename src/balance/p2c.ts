import type { Endpoint } from '../core/endpoint.ts'
import type { Picker, PickInput } from '../core/picker.ts'
import type { Balancer } from './contract.ts'
import { Lottery } from './lottery.ts'

/**
 * Power of two choices: of two endpoints drawn by weight the one with fewer exchanges in flight per weight. Nearly as even as
 * least-request, at a cost that does not grow with the number of endpoints.
 */
export const p2c: Balancer = {
  build: (eligible, { random }) => new P2cPicker(new Lottery(eligible, random)),
}

export class P2cPicker implements Picker {
  readonly #lottery: Lottery

  constructor(lottery: Lottery) {
    this.#lottery = lottery
  }

  pick({ tried }: PickInput): Endpoint | null {
    const lottery = this.#lottery
    if (tried !== null) {
      const first = lottery.drawUntried(tried, -1)
      return this.#lessLoaded(first, lottery.drawUntried(tried, first))
    }
    if (lottery.endpoints.length < 2) return lottery.endpoints[0] ?? null
    const first = lottery.draw()
    const second = lottery.draw()
    return this.#lessLoaded(first, second === first ? lottery.drawOther(first) : second)
  }

  /** Equal loads leave it at the first, which was drawn by weight. -1 is none. */
  #lessLoaded(first: number, second: number): Endpoint | null {
    const { endpoints, weights } = this.#lottery
    const a = endpoints[first]
    const b = endpoints[second]
    if (a === undefined || b === undefined) return a ?? null
    const isLess = b.cell.inflight() / weights[second]! < a.cell.inflight() / weights[first]!
    return isLess ? b : a
  }
}
