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
import type { TagSubset } from './advertised.ts'

/** A discovery source; what else it holds is for the discovery backend. Two equal entries are one source. */
export interface SourceEntry {
  readonly name: string
  readonly type: string
  /** What tags begin with in it that are routes. */
  readonly routesFromTags?: string | null
}

/** Endpoints of this zone are used before others. */
export interface ZonePreference {
  readonly prefer: string
  /** Others are used, too, while fewer of the zone's are eligible. */
  readonly spillBelowPercent: number
}

/** One of the sources that list a service. */
export interface ServiceSource {
  /** Name of the source. */
  readonly source: string
  /** The service's name in that registry. */
  readonly name: string
  /** What the weights of its instances count, in percent; 0 = they are listed and get requests only where there are no others. */
  readonly weightPercent: number
}

export interface ServiceEntry {
  /** The name by which routes, metrics and the admin API know it. */
  readonly key: string
  /** At least one, each source once. The first that lists an address as not critical says what is known of it. */
  readonly from: readonly ServiceSource[]
  /** Null = all its instances there. */
  readonly subset: Subset | TagSubset | null
  readonly balancer: string
  /** Null where the balancer is not consistent-hash. */
  readonly hash: HashKey | null
  readonly outlier: OutlierPolicy
  readonly connectTimeoutMs: number
  readonly headTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly retryBudget: RetryBudget
  readonly limits: ServiceLimits | null
  readonly tls: ClientTlsSettings | null
  /** Null = all zones alike. */
  readonly zone: ZonePreference | null
  /** 0 = never hold. */
  readonly holdMs: number
  /** Null = endpoints are not asked; the registry's word and the traffic decide. */
  readonly healthCheck: HealthCheck | null
  /** In which new and restored endpoints grow to their weight; null = they have it at once. */
  readonly slowStartMs: number | null
}

/** A listener that has no row in the Ledger yet. */
export type ListenerEntry = Omit<ListenerSettings, 'slot'>

/** What the control plane needs of the configuration. */
export interface ControlConfig<S extends SourceEntry> {
  readonly discovery: readonly S[]
  readonly services: readonly ServiceEntry[]
  readonly routes: readonly RouteRule[]
  readonly listeners: readonly ListenerEntry[]
  readonly log: { readonly access: boolean }
  /** What services and routes are like that tags in registries ask for, besides what the tags say. */
  readonly fromTags?: {
    readonly service: Omit<ServiceEntry, 'key' | 'from' | 'subset'>
    readonly route: Omit<RouteRule, 'id' | 'path' | 'service'>
  }
}
