import type { HealthCheck } from '../core/health-check.ts'
import type { RouteRule } from '../core/route.ts'
import type {
  HashKey,
  ListenerSettings,
  OutlierPolicy,
  RetryBudget,
  ServiceLimits,
  ClientTlsSettings,
} from '../core/snapshot.ts'
import type { Subset } from '../core/subset.ts'
import type { FileVersion } from '../util/file-version.ts'
import type { Finding } from './finding.ts'

export type ListenerConfig = Omit<ListenerSettings, 'slot'>

export interface AdminConfig {
  readonly host: string
  readonly port: number
  /** Never null off loopback. */
  readonly token: string | null
  readonly publicMetrics: boolean
}

export interface LogConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  readonly access: boolean
}

export interface ConsulSourceConfig {
  readonly name: string
  readonly type: 'consul'
  /** `http://127.0.0.1:8500`, without a final slash. */
  readonly address: string
  readonly token: string | null
  /** Null = the agent's own. */
  readonly datacenter: string | null
  /** The nearest first; null = the one of `datacenter`. */
  readonly datacenters: readonly string[] | null
  /** What tags begin with that are routes; null = none are. */
  readonly routesFromTags: string | null
  readonly tls: ClientTlsSettings | null
}

export interface MdnsSourceConfig {
  readonly name: string
  readonly type: 'mdns'
  /** In lower case, without a final dot. */
  readonly domain: string
  /** Names or IPv4 addresses; null = all. */
  readonly interfaces: readonly string[] | null
}

export interface EtcdSourceConfig {
  readonly name: string
  readonly type: 'etcd'
  /** Members of one cluster: `http://127.0.0.1:2379`, without a final slash. At least one. */
  readonly endpoints: readonly string[]
  readonly prefix: string
  readonly format: EtcdFormatName
  readonly username: string | null
  readonly password: string | null
  readonly tls: ClientTlsSettings | null
}

export type EtcdFormatName = 'auto' | 'address' | 'grpc-go' | 'go-micro' | 'kratos' | 'go-zero' | 'json'

export interface StaticInstanceConfig {
  readonly host: string
  readonly port: number
  readonly weight: number
  readonly zone: string
  readonly version: string
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
}

export interface StaticSourceConfig {
  readonly name: string
  readonly type: 'static'
  readonly services: Readonly<Record<string, readonly StaticInstanceConfig[]>>
}

export interface DnsSourceConfig {
  readonly name: string
  readonly type: 'dns'
  /** None = those of the system. */
  readonly servers: readonly { readonly host: string; readonly port: number }[]
  readonly record: 'srv' | 'a'
  readonly domain: string | null
  /** For `record: a`, where a service's name says none. */
  readonly port: number | null
  readonly minTtlMs: number
  readonly maxTtlMs: number
  readonly timeoutMs: number
}

export interface FileSourceConfig {
  readonly name: string
  readonly type: 'file'
  /** Absolute. */
  readonly path: string
}

export type SourceConfig =
  | ConsulSourceConfig
  | EtcdSourceConfig
  | MdnsSourceConfig
  | DnsSourceConfig
  | StaticSourceConfig
  | FileSourceConfig

/** One of the sources that list a service. */
export interface ServiceSourceConfig {
  /** Name of a source in `discovery`. */
  readonly source: string
  /** The service's name there. */
  readonly name: string
  /** Of the weights of its instances; 100 = as the source says. */
  readonly weightPercent: number
}

export interface ServiceConfig {
  /** The name that routes use. */
  readonly key: string
  /** At least one, each source once. */
  readonly from: readonly ServiceSourceConfig[]
  /** Null = all its instances there. */
  readonly subset: Subset | null
  readonly balancer: 'round-robin' | 'least-request' | 'p2c' | 'peak-ewma' | 'random' | 'consistent-hash'
  /** Null where the balancer is not consistent-hash. */
  readonly hash: HashKey | null
  readonly protocol: 'http1'
  readonly outlier: OutlierPolicy
  readonly connectTimeoutMs: number
  readonly headTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly retryBudget: RetryBudget
  readonly limits: ServiceLimits | null
  readonly tls: ClientTlsSettings | null
  /** Null = all zones alike. */
  readonly zone: { readonly prefer: string; readonly spillBelowPercent: number } | null
  /** 0 = nothing is held. */
  readonly holdMs: number
  /** Null = endpoints are not asked. */
  readonly healthCheck: HealthCheck | null
  readonly slowStartMs: number | null
}

export interface RouteConfig extends RouteRule {
  /** Where it stands in the file; null where the file has no positions. */
  readonly line: number | null
}

/** A checked configuration: plain frozen values, defaults filled in, names resolved. */
export interface Config {
  readonly listeners: readonly ListenerConfig[]
  readonly admin: AdminConfig
  /** Data threads; 0 = in the main thread; `auto` is for the composition root to decide. */
  readonly workers: number | 'auto'
  readonly log: LogConfig
  /** Absolute; null = nothing is kept. */
  readonly stateDir: string | null
  /** In file order: the first is the default. */
  readonly discovery: readonly SourceConfig[]
  /** Every service with an entry, then those that only routes name. */
  readonly services: readonly ServiceConfig[]
  /** In file order. */
  readonly routes: readonly RouteConfig[]
  /** What services and routes are like that tags in registries ask for, besides what the tags say. */
  readonly fromTags: {
    readonly service: Omit<ServiceConfig, 'key' | 'from' | 'name' | 'subset'>
    readonly route: Omit<RouteRule, 'id' | 'path' | 'service'>
  }
  readonly shutdown: { readonly delayMs: number; readonly deadlineMs: number }
  readonly readyTimeoutMs: number
}

/** A configuration and what is needed to show it. */
export interface LoadedConfig {
  /** As the caller named it. */
  readonly file: string
  readonly config: Config
  /** The tree as written: `${…}` not filled in, secrets in clear. Show it through `describeConfig` only. */
  readonly written: unknown
  /** What deserves a word but stands in nobody's way, such as a certificate that has expired. */
  readonly warnings: readonly Finding[]
  /** Certificates and keys that it was read with. */
  readonly files: readonly FileVersion[]
}
