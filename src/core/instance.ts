/** What the registry says of an instance: the worst of its checks, maintenance first. */
export type RegistryStatus = 'passing' | 'warning' | 'critical' | 'maintenance'

/**
 * What a registry said about one instance of a service. Plain, frozen, comparable by value; it has no life of its own
 * (see Endpoint for that).
 */
export interface Instance {
  /** Unique on `node`; with it and the source, the instance's identity. */
  readonly id: string
  /** The registry's node (Consul) on which the instance is registered; `''` where the registry has no such word. */
  readonly node: string
  /** IP address or host name; host names are resolved before an endpoint is made of it. */
  readonly host: string
  /** The name that `host` was found for, once it is resolved; left out where the registry said an address. */
  readonly hostName?: string
  readonly port: number
  /** Share of traffic relative to the others, 0 or more; already chosen for `status` where the registry weighs warnings apart. */
  readonly weight: number
  readonly zone: string
  /** How far it is from the gateway, where the source or the service says: see `eligible`. Left out for 0, the nearest. */
  readonly tier?: number
  readonly version: string
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
  readonly status: RegistryStatus
}
