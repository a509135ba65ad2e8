import type { RouteRule } from './route.ts'

/** How failing endpoints of a service are ejected. */
export interface OutlierPolicy {
  readonly consecutiveFailures: number
  readonly baseEjectionMs: number
  readonly maxEjectionMs: number
  readonly maxEjectedPercent: number
}

/** What the data plane needs to know of a service's configuration. */
export interface ServiceSettings {
  /** The key under which routes name it; also the metric label. */
  readonly name: string
  /** Row of the service in the Ledger. */
  readonly slot: number
  readonly balancer: string
  readonly outlier: OutlierPolicy
  readonly connectTimeoutMs: number
  /** From when the request is fully sent to the response head. */
  readonly headTimeoutMs: number
  /** Silence allowed in response bodies and tunnels. */
  readonly idleTimeoutMs: number
}

/** How HTTP is spoken: by the forwarder on bare sockets, or by node:http and http-proxy. */
export type EngineName = 'fast' | 'standard'

export interface ListenerSettings {
  readonly name: string
  /** Row of the listener in the Ledger. */
  readonly slot: number
  readonly host: string
  readonly port: number
  readonly engine: EngineName
  /** CIDRs or addresses whose forwarded fields are believed. */
  readonly trustedProxies: readonly string[]
  readonly timeouts: {
    readonly headMs: number
    readonly idleMs: number
    readonly bodyMs: number
    readonly writeMs: number
  }
  readonly limits: {
    readonly headBytes: number
    readonly headFields: number
    readonly bodyBytes: number | null
    readonly connections: number
    readonly connectionsPerClient: number | null
  }
}

/** The configuration as it crosses to the data threads: plain values, replaced whole. */
export interface ConfigSnapshot {
  readonly version: number
  readonly listeners: readonly ListenerSettings[]
  readonly services: readonly ServiceSettings[]
  readonly routes: readonly RouteRule[]
  readonly accessLog: boolean
}

/** What the registry, and our memory of it, says of an endpoint. */
export type RegistryWord = 'passing' | 'warning' | 'critical' | 'maintenance' | 'held' | 'absent'

/** One endpoint as it crosses to the data threads. */
export interface PublishedEndpoint {
  /** `source/node/instance@host:port`, the identity by which an Endpoint lives on. */
  readonly id: string
  /** Row in the Ledger. */
  readonly slot: number
  /** IP address; names were resolved before. */
  readonly host: string
  readonly port: number
  readonly weight: number
  readonly zone: string
  readonly version: string
  readonly registry: RegistryWord
  /** No new requests; those in flight finish. True for maintenance, for endpoints the registry no longer lists, and by command. */
  readonly draining: boolean
  /** Our own active checks fail (later version: always false until active checks are built). */
  readonly unhealthy: boolean
}

/** A service's whole list, the unit of hand-over; the latest version wins. */
export interface PublishedService {
  readonly service: string
  readonly version: number
  readonly endpoints: readonly PublishedEndpoint[]
}
