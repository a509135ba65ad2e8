import type { HealthReport, Registration } from './registration.ts'

/** What a registry's entry of an instance looks like, compared with what it should. */
export type Standing =
  | 'present'
  /** Not there, or without its check: forgotten, removed by hand, or its time ran out. */
  | 'missing'
  /** There, but not as it was registered. */
  | 'altered'

/**
 * Writes instances into one registry. Promises of every implementation, checked by its conformance suite:
 * - each call is one attempt: it neither retries nor waits longer than its own timeout, and rejects with a RegisterError;
 * - nothing is remembered between calls that the registry could have lost, so that whatever a registry forgets is found by `renew`;
 * - calls for different instances share one small pool of connections.
 */
export interface Registrar {
  /** For example `consul at 127.0.0.1:8500`; for messages. */
  readonly title: string
  /** `host:port` each, as the URL names them, where it names machines: the route to them tells this machine's address. */
  readonly hosts: readonly string[]
  /** Whether the registry makes checks of other types than TTL; where it does not, this process makes them with each heartbeat. */
  readonly makesChecks: boolean
  /** What the registry will make of it that the user would not expect, a sentence each: values that it raises, parts that it ignores. */
  warnings(registration: Registration): readonly string[]
  /** The host by which other machines reach this one, as far as the registry knows; null = it does not. */
  ownHost(signal: AbortSignal): Promise<string | null>
  /** Writes the entry, whatever is there, with `health` as its first state. An operator's maintenance mode stays on. */
  register(registration: Registration, health: HealthReport, signal: AbortSignal): Promise<void>
  /** One heartbeat: compares the entry with what it should be and, where the instance reports by itself, reports. */
  renew(registration: Registration, health: HealthReport, signal: AbortSignal): Promise<Standing>
  /** Takes the instance out of choice without removing it; resolves once the registry shows that to those who ask it. */
  withdraw(registration: Registration, signal: AbortSignal): Promise<void>
  /** Removes the entry. One that is gone already is fine. */
  deregister(registration: Registration, signal: AbortSignal): Promise<void>
  /**
   * Removes what earlier processes left of this instance: other ids of the same service at the same address and port, which can't be
   * alive while this process has that port. @returns their ids
   */
  sweep(registration: Registration, signal: AbortSignal): Promise<readonly string[]>
  /** The entries of a service, or of all services where `name` is null. */
  list(name: string | null, signal: AbortSignal): Promise<readonly Listed[]>
  /** Removes an entry that somebody left behind. Rejects, and says where it can be done, where this registrar can't. */
  remove(entry: Listed, signal: AbortSignal): Promise<void>
  /** Ends idle connections. */
  close(): Promise<void>
}

/** An entry of a registry, whoever made it. */
export interface Listed {
  readonly service: string
  readonly id: string
  /** Where it is registered, in a registry that has nodes; else empty. */
  readonly node: string
  readonly host: string
  readonly port: number
  /** The registry's word: passing, warning, critical, maintenance. */
  readonly status: string
  readonly version: string
}
