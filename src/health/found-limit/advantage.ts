import { meanOf, rateOf } from './flow.ts'
import type { Probing } from './phase.ts'

export interface Advantage {
  /** Of the throughput before. */
  readonly rateLeft: number
  /** How much more of it than of the time that answers took. */
  readonly ratio: number
}

/**
 * By Little's law what is in flight is the throughput times what an answer takes: one of the two has to fall with the limit. Compared
 * with each other they weigh twice as much against chance as either alone.
 */
export function advantageOf({ settling, before, under }: Probing): Advantage {
  if (before.answers === 0 || under.answers === 0) return { rateLeft: 0, ratio: 0 }
  const rateLeft = rateOf(under) / rateOf(settling)
  return { rateLeft, ratio: (rateLeft * meanOf(before)) / meanOf(under) }
}
