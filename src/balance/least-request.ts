import type { Endpoint } from '../core/endpoint.ts'
import type { Picker, PickInput } from '../core/picker.ts'
import type { Balancer } from './contract.ts'
import { Rotation } from './rotation.ts'

/**
 * The endpoint with the fewest exchanges in flight per weight, over all data threads; of several, the one whose turn comes
 * first, so that quiet services are shared by weight, too. A pick looks at every endpoint.
 */
export const leastRequest: Balancer = {
  build(eligible, { random }, previous) {
    return new LeastRequestPicker(
      new Rotation(eligible, random, previous instanceof LeastRequestPicker ? previous.rotation : null),
    )
  },
}

class LeastRequestPicker implements Picker {
  readonly rotation: Rotation

  constructor(rotation: Rotation) {
    this.rotation = rotation
  }

  pick({ tried }: PickInput): Endpoint | null {
    const { endpoints, weights, due } = this.rotation
    let least = -1
    let leastLoad = 0
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[i]!
      if (tried !== null && tried.includes(endpoint)) continue
      const load = endpoint.cell.inflight() / weights[i]!
      if (least === -1 || load < leastLoad || (load === leastLoad && due[i]! < due[least]!)) {
        least = i
        leastLoad = load
      }
    }
    return least === -1 ? null : this.rotation.take(least)
  }
}
