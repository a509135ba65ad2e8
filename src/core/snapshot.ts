import type { RouteRule } from './route.ts'

/**
 * Ejection of endpoints that fail more often than the others: those whose share of successes is at least `deviations` standard
 * deviations under the mean, and under `belowPercent`.
 */
export interface SuccessRatePolicy {
  readonly deviations: number
  readonly belowPercent: number
  /** What is counted between two decisions. */
  readonly intervalMs: number
  /** Endpoints with fewer requests in the interval are not compared. */
  readonly minRequests: number
  /** Endpoints with fewer failures in it stay. */
  readonly minFailures: number
  /** Fewer than so many endpoints are not compared at all. */
  readonly minEndpoints: number
}

/** How failing endpoints of a service are ejected. */
export interface OutlierPolicy {
  readonly consecutiveFailures: number
  readonly baseEjectionMs: number
  readonly maxEjectionMs: number
  readonly maxEjectedPercent: number
  /** Null = success rates are not compared. */
  readonly successRate: SuccessRatePolicy | null
}

/** How many retries a service's requests may bring about, over all routes and threads. */
export interface RetryBudget {
  /** Share of requests. */
  readonly percent: number
  /** On top of it, so that a quiet service has some. */
  readonly perSecond: number
}

/** How much of a service is used at a time, over all threads. One of the first three says something at least. */
export interface ServiceLimits {
  /** Exchanges in flight; null = no limit, or one that is found. */
  readonly requests: number | null
  /** The limit of exchanges in flight is found out, and in force only where there is overload. */
  readonly findsRequests: boolean
  /** Attempts in flight to one endpoint; null = no limit. */
  readonly requestsPerEndpoint: number | null
  /** Exchanges that wait for room; null = as many as may be in flight. */
  readonly pending: number | null
  readonly pendingTimeoutMs: number
}
/** What consistent-hash takes for the key of a request; names of fields in lower case. */
export type HashKey =
  | { readonly on: 'client' }
  | { readonly on: 'path' }
  | { readonly on: 'header'; readonly name: string }
  | { readonly on: 'cookie'; readonly name: string }

/** A certificate chain and its key, as PEM. */
export interface KeyPair {
  /** The certificate itself first, then those between it and its root. */
  readonly cert: string
  readonly key: string
}

/** How connections to a service's endpoints, or to a registry, are secured. */
export interface ClientTlsSettings {
  /** PEM of the authorities that are believed; null = the public ones that Node knows. */
  readonly ca: string | null
  /**
   * Name or address that certificates have to be for; null = that of an endpoint in its registry, else its
   * address; of a registry the host of its URL.
   */
  readonly servername: string | null
  /** What we show of ourselves; null = nothing. */
  readonly keyPair: KeyPair | null
  /** False: any certificate is taken, whoever issued it and whatever it is for. */
  readonly verify: boolean
}

/** What the data plane needs to know of a service's configuration. */
export interface ServiceSettings {
  /** The key under which routes name it; also the metric label. */
  readonly name: string
  /** Row of the service in the Ledger. */
  readonly slot: number
  readonly balancer: string
  /** Null where the balancer is not consistent-hash. */
  readonly hash: HashKey | null
  readonly outlier: OutlierPolicy
  readonly connectTimeoutMs: number
  /** From when the request is fully sent to the response head. */
  readonly headTimeoutMs: number
  /** Silence allowed in response bodies and tunnels. */
  readonly idleTimeoutMs: number
  readonly retryBudget: RetryBudget
  /** Null = as much as comes. */
  readonly limits: ServiceLimits | null
  /** Null = plain text. */
  readonly tls: ClientTlsSettings | null
  /** Under this share of eligible endpoints in the preferred zone, those of other zones are used, too. */
  readonly spillBelowPercent: number
}

/** How HTTP is spoken: by the forwarder on bare sockets, or by node:http and http-proxy. */
export type EngineName = 'fast' | 'standard'

/** A certificate of a listener. */
export interface ListenerCertificate extends KeyPair {
  /** Host names that it is for, lower case; `*.example.com` stands for one label more. */
  readonly names: readonly string[]
  /** The kind of its key (`ec`, `rsa` …): a handshake takes the one that suits the client. */
  readonly keyType: string
  /** For people and metrics: its first name, else the subject's common name. */
  readonly label: string
  /** Unix time in milliseconds. */
  readonly expiresMs: number
}

export interface ClientAuthSettings {
  /** PEM of the authorities whose certificates are accepted. */
  readonly ca: string
  /** `require`: without a certificate there is no connection. `optional`: a client may do without, but not show a bad one. */
  readonly mode: 'require' | 'optional'
}

export interface ListenerTlsSettings {
  /** The first one serves clients that name no host, or one that is in none of them. */
  readonly certificates: readonly ListenerCertificate[]
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** Null = clients are not asked for certificates. */
  readonly clientAuth: ClientAuthSettings | null
}

/** Every request is answered with a redirect to the same place over HTTPS. */
export interface HttpsRedirect {
  readonly port: number
  readonly status: number
  /** Path prefixes, matched at segment boundaries, that are served as on any listener. */
  readonly except: readonly string[]
}

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
  /** Null = plain text. */
  readonly tls: ListenerTlsSettings | null
  /** Null = requests are routed. */
  readonly redirectToHttps: HttpsRedirect | null
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
  /** The name under which `host` was found; null where the registry said an address. */
  readonly hostName: string | null
  readonly port: number
  readonly weight: number
  readonly zone: string
  /** 0 = the nearest; see `eligible`. */
  readonly tier: number
  readonly version: string
  readonly registry: RegistryWord
  /** No new requests; those in flight finish. True for maintenance, for endpoints the registry no longer lists, and by command. */
  readonly draining: boolean
  /** Our own health checks fail. */
  readonly unhealthy: boolean
}

/** A service's whole list, the unit of hand-over; the latest version wins. */
export interface PublishedService {
  readonly service: string
  readonly version: number
  readonly endpoints: readonly PublishedEndpoint[]
}

/** The same on its way to a data thread: what is as in the last list that the thread has acknowledged is there by its row alone. */
export interface SentService extends Omit<PublishedService, 'endpoints'> {
  readonly endpoints: readonly (PublishedEndpoint | number)[]
}
