import type { Instance } from '../core/instance.ts'

/** One complete answer of a registry about one service. */
export interface Answer {
  /** All instances of the service, critical ones included; empty when the registry knows the service but none, or not the service. */
  readonly instances: readonly Instance[]
  /** The registry's index or revision; null where the registry has none. Going backwards between answers means it lost its memory. */
  readonly position: number | null
  /** True when the registry may have forgotten instances since the last answer of this watch (its index went backwards). */
  readonly mayHaveForgotten: boolean
  /**
   * Those of the registry's instances that are left out of `instances`, since their host names have no address yet. Not to find one is
   * no word of the registry: what is known of it from before stays. Left out for none.
   */
  readonly unresolved?: readonly Instance[]
}

/** All services of a registry by name, each with the tags of all its instances. */
export type Listing = ReadonlyMap<string, readonly string[]>

/**
 * Where instances come from. Promises of every implementation, checked by the conformance suite:
 * - yields complete lists, the first as soon as the registry answered, another only when the list may have changed;
 * - throws a DiscoveryError when the registry can't be reached, refuses, or answers with something unreadable: an error
 *   is never an empty list;
 * - does not retry: back-off and the last good list belong to the caller;
 * - a bad entry is left out and reported through `onSkipped`, it never hides its neighbours;
 * - ends, without throwing, when the signal aborts.
 */
export interface Discovery {
  /** @param filter an expression in the registry's own language; given only to sources that have one */
  watch(service: string, signal: AbortSignal, filter?: string): AsyncIterable<Answer>
  /** Where a registry can say which services it has: its listings, by the same promises as the answers of a watch. */
  list?(signal: AbortSignal): AsyncIterable<Listing>
  /** Ends shared watches and idle connections; running watches end as if aborted. */
  close(): Promise<void>
}

/** An entry of a registry that can't be used, with the reason. */
export interface SkippedEntry {
  readonly service: string
  readonly entry: string
  readonly reason: string
}

/** The registry can't be used now. `code` is stable, for metrics and tests; the message says where and what to do. */
export class DiscoveryError extends Error {
  override readonly name = 'DiscoveryError'
  readonly code: 'unreachable' | 'timeout' | 'status' | 'unreadable' | 'denied'

  constructor(code: DiscoveryError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
