import type { Endpoint } from '../core/endpoint.ts'

/** The endpoints that take part, and their weights by the same index, all above 0. */
export interface Members {
  readonly endpoints: readonly Endpoint[]
  readonly weights: Float64Array
}

/** Leaves out endpoints of weight 0; where all have weight 0 they take part alike. */
export function membersOf(eligible: readonly Endpoint[]): Members {
  const weighted = eligible.filter((endpoint) => endpoint.weight > 0)
  if (weighted.length === 0) return { endpoints: eligible, weights: new Float64Array(eligible.length).fill(1) }
  return { endpoints: weighted, weights: Float64Array.from(weighted, (endpoint) => endpoint.weight) }
}
