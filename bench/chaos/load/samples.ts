import type { Method } from './methods.ts'

/** How load is sent, as the one argument of the generator's process. */
export interface LoadParameters {
  readonly port: number
  readonly connections: number
  /** Requests per second, sent when they are due, however long answers take; null: each connection sends when it was answered. */
  readonly ratePerSecond: number | null
  /** In turn. */
  readonly methods: readonly Method[]
  /** A request that has no answer after so long has none. */
  readonly hangMs: number
}

/** Every request of a load. The arrays have an entry for each, in no order. */
export interface Samples {
  /** Outcomes; the first is `ok`. `502 reset-before-head`: answered, and not with what was asked for. */
  readonly kinds: readonly string[]
  readonly kind: Uint8Array
  /** When it was due, on the clock of `systemMs`. */
  readonly dueMs: Float64Array
  /** When it was sent; NaN when it never was. */
  readonly sentMs: Float64Array
  /** From when it was due until its answer was complete, or its failure known. */
  readonly latencyMs: Float64Array
}

export type FromLoad = { readonly type: 'sending' } | { readonly type: 'done'; readonly samples: Samples }

/** No byte of an answer came, and none will. */
export const lostKinds = ['reset', 'closed', 'hung', 'not connected'] as const

/** The answer to another request. */
export const alienKind = 'alien answer'

/** A clock that all processes of a machine share, in milliseconds. */
export function systemMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}
