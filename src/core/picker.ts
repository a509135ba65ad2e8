import type { Endpoint } from './endpoint.ts'

/** What a pick may depend on. The endpoints already tried for this exchange come last, if at all. */
export interface PickInput {
  /** Endpoints that this exchange has already tried; null on the first attempt. */
  readonly tried: readonly Endpoint[] | null
}

/**
 * Immutable view of one list of eligible endpoints. Promises: returns a member or null (only when every member was
 * tried or the list is empty); never returns a tried endpoint; never allocates on the first attempt; never looks at health.
 */
export interface Picker {
  pick(input: PickInput): Endpoint | null
}
