import type { Endpoint } from '../core/endpoint.ts'
import type { Picker } from '../core/picker.ts'
import type { HashKey } from '../core/snapshot.ts'
import type { Clock } from '../util/clock.ts'
import type { Random } from '../util/random.ts'

export interface BalancerOptions {
  readonly random: Random
  readonly clock: Clock
  /** For balancers that send equal keys to one endpoint. Null = requests have no key. */
  readonly hash: HashKey | null
}

/**
 * Builds a Picker over eligible endpoints (see Picker for what it promises). A balancer never looks at health.
 *
 * - Weights are those at the time of building. An endpoint of weight 0 is no member, unless all have weight 0: then they
 *   weigh the same.
 * - `previous` is the picker it replaces, of any balancer, or null: an implementation may read its own kind to stay fair
 *   over rebuilds. It is not used for picking any more.
 */
export interface Balancer {
  build(eligible: readonly Endpoint[], options: BalancerOptions, previous: Picker | null): Picker
}
