import type { Endpoint } from './endpoint.ts'

/** What a pick may depend on: an exchange is one, so that a balancer that asks for nothing of it costs nothing. */
export interface PickInput {
  /** Endpoints that this exchange has already tried; null on the first attempt. */
  readonly tried: readonly Endpoint[] | null
  /** The client's address, by the rules of trusted proxies. */
  readonly clientAddress: string
  /** In normal form, without the query. */
  readonly path: string
  /** The value of a field by its lower-case name; null when absent. */
  header(name: string): string | null
}

/** How attempts went, for pickers that learn from it. Called in the data thread, once or twice per attempt. */
export interface Feedback {
  /** The response head came. @param elapsedMs since the attempt began */
  answered(endpoint: Endpoint, elapsedMs: number): void
  /** The upstream is to blame for a failure, also for an answer of 500 to 599 whose head was reported before. */
  failed(endpoint: Endpoint, elapsedMs: number): void
  /** The client left before there was a head: it would have taken at least so long. */
  abandoned(endpoint: Endpoint, elapsedMs: number): void
}

/**
 * Immutable view of one list of eligible endpoints. Promises: returns a member or null (only when every member was
 * tried or the list is empty); never returns a tried endpoint; never allocates on the first attempt; never looks at health.
 */
export interface Picker {
  /** Left out where picks depend on no measurements. */
  readonly feedback?: Feedback
  pick(input: PickInput): Endpoint | null
}
