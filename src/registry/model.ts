export type CheckStatus = 'passing' | 'warning' | 'critical'

export interface ServiceAddress {
  readonly address: string
  readonly port: number
}

/** A registered instance, which Consul's agent API calls a service. Plain, frozen by convention: a change is a new object. */
export interface Service {
  readonly id: string
  readonly name: string
  readonly tags: readonly string[]
  /** Null where the registration named none: Consul's catalog shows that difference. */
  readonly meta: Readonly<Record<string, string>> | null
  /** Empty: the node's address counts. */
  readonly address: string
  readonly port: number
  readonly taggedAddresses: Readonly<Record<string, ServiceAddress>>
  readonly weights: { readonly passing: number; readonly warning: number }
  readonly enableTagOverride: boolean
}

export interface Check {
  readonly id: string
  readonly name: string
  readonly status: CheckStatus
  readonly notes: string
  readonly output: string
  /** Empty for a check of the node, which counts for all its services. */
  readonly serviceId: string
  readonly serviceName: string
  /** As Consul shows it: ttl, http, maintenance, or empty for the node's own liveness. */
  readonly type: string
}

/** Consul's node: the machine an agent runs on. This registry has exactly one. */
export interface Node {
  readonly id: string
  readonly name: string
  readonly address: string
}

export const datacenter = 'dc1'
