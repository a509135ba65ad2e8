import type { Endpoint } from '../core/endpoint.ts'
import type { Picker, PickInput } from '../core/picker.ts'
import type { Balancer } from './contract.ts'
import { Lottery } from './lottery.ts'

/** Any endpoint, by weight. */
export const random: Balancer = {
  build: (eligible, options) => new RandomPicker(new Lottery(eligible, options.random)),
}

class RandomPicker implements Picker {
  readonly #lottery: Lottery

  constructor(lottery: Lottery) {
    this.#lottery = lottery
  }

  pick({ tried }: PickInput): Endpoint | null {
    const lottery = this.#lottery
    if (lottery.endpoints.length === 0) return null
    const index = tried === null ? lottery.draw() : lottery.drawUntried(tried, -1)
    return lottery.endpoints[index] ?? null
  }
}
