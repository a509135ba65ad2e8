import type { ServiceLimits, SuccessRatePolicy } from '../core/snapshot.ts'
import type { Subset } from '../core/subset.ts'
import type { Config, ServiceConfig } from './config.ts'
import type { Path, Problem } from './finding.ts'
import { checkHashes } from './hash-checks.ts'
import { checkHealthCheck, normalizeHealthCheck } from './normalize-health-check.ts'
import { overlay } from './overlay.ts'
import type { ParsedConfig } from './schema.ts'
import { builtInService, type ServiceLayer } from './schema/services.ts'
import { checkFrom, sourcesOf } from './service-sources.ts'
import { checkSubsets } from './subset-checks.ts'
import type { TlsParts } from './tls/read-tls.ts'

/**
 * @param routed names of the services that routes go to
 * @param tls what their `tls` comes to
 */
export function normalizeServices(
  parsed: ParsedConfig,
  routed: readonly string[],
  tls: Pick<TlsParts, 'services' | 'serviceDefault'>,
): { services: readonly ServiceConfig[]; unnamed: Config['fromTags']['service']; problems: readonly Problem[] } {
  const base = baseOf(parsed.defaults.service)
  const sources = Object.keys(parsed.discovery)
  const entries = new Map<string, ServiceLayer>(Object.entries(parsed.services))
  const problems = [
    ...checkSources(sources),
    ...checkService(parsed.defaults.service, { base, sources, path: ['defaults', 'service'] }),
    ...[...entries].flatMap(([key, entry]) => checkService(entry, { base, sources, path: ['services', key] })),
  ]
  for (const name of routed) if (!entries.has(name)) entries.set(name, {})
  problems.push(...checkHashes(parsed.defaults.service, entries, base.settings), ...checkSubsets(parsed))
  const [firstSource = ''] = sources
  const services = [...entries].map(([key, entry]) => ({
    ...normalizeService(key, entry, base, firstSource),
    tls: tls.services.has(key) ? (tls.services.get(key) ?? null) : tls.serviceDefault,
  }))
  const unnamed = { ...normalizeService('', {}, base, firstSource), tls: tls.serviceDefault }
  return { services, unnamed, problems }
}

/** What lies under every entry: `defaults.service` over the built-in defaults. */
function baseOf(defaults: ServiceLayer) {
  const builtIn = builtInService()
  return {
    settings: overlay(builtIn, defaults),
    outlier: overlay(builtIn.outlier, defaults.outlier),
    retryBudget: overlay(builtIn.retryBudget, defaults.retryBudget),
  }
}

type Base = ReturnType<typeof baseOf>

function normalizeService(
  key: string,
  entry: ServiceLayer,
  base: Base,
  firstSource: string,
): Omit<ServiceConfig, 'tls'> {
  const settings = overlay(base.settings, entry)
  const outlier = overlay(base.outlier, entry.outlier)
  return {
    key,
    from: sourcesOf(settings.from ?? firstSource, settings.name ?? key),
    subset: subsetOf(settings.subset),
    balancer: settings.balancer,
    hash: settings.balancer === 'consistent-hash' ? (settings.hash?.on ?? null) : null,
    protocol: settings.protocol,
    outlier: {
      consecutiveFailures: outlier.consecutiveFailures,
      baseEjectionMs: outlier.baseEjection,
      maxEjectionMs: outlier.maxEjection,
      maxEjectedPercent: outlier.maxEjectedPercent,
      successRate: successRateOf(outlier.successRate),
    },
    connectTimeoutMs: settings.connectTimeout,
    headTimeoutMs: settings.headTimeout,
    idleTimeoutMs: settings.idleTimeout,
    retryBudget: overlay(base.retryBudget, entry.retryBudget),
    limits: limitsOf(settings),
    zone: zoneOf(settings.zone),
    holdMs: settings.hold,
    slowStartMs: settings.slowStart === 0 ? null : settings.slowStart,
    healthCheck: normalizeHealthCheck(entry.healthCheck, base.settings.healthCheck),
  }
}

/** Null where nothing is limited: then how many may wait, and how long, says nothing. */
function limitsOf(settings: Base['settings']): ServiceLimits | null {
  const { maxRequests, maxRequestsPerEndpoint, maxPending, pendingTimeout } = settings
  if (maxRequests === null && maxRequestsPerEndpoint === null) return null
  return {
    requests: maxRequests === 'auto' ? null : maxRequests,
    findsRequests: maxRequests === 'auto',
    requestsPerEndpoint: maxRequestsPerEndpoint,
    pending: maxPending,
    pendingTimeoutMs: pendingTimeout,
  }
}

/** Null where it leaves nothing out. */
function subsetOf(written: Base['settings']['subset']): Subset | null {
  if (written === null) return null
  return written.tags.length === 0 && written.version === null && written.filter === null ? null : written
}

function zoneOf(written: Base['settings']['zone']): ServiceConfig['zone'] {
  return written === null ? null : { prefer: written.prefer, spillBelowPercent: written.spillBelow }
}

function successRateOf(written: ReturnType<typeof baseOf>['outlier']['successRate']): SuccessRatePolicy | null {
  if (written === null) return null
  const { interval, ...policy } = written
  return { ...policy, intervalMs: interval }
}

function checkSources(sources: readonly string[]): Problem[] {
  if (sources.length > 0) return []
  return [{ path: ['discovery'], message: 'needs at least one source', hint: 'leave it out for a local Consul agent' }]
}

interface Place {
  readonly base: Base
  readonly sources: readonly string[]
  readonly path: Path
}

function checkService({ from, outlier, healthCheck }: ServiceLayer, { base, sources, path }: Place): Problem[] {
  const isDefault = path[0] === 'defaults'
  const problems = checkHealthCheck(healthCheck, base.settings.healthCheck, { path, isDefault })
  if (from !== undefined && sources.length > 0) problems.push(...checkFrom(from, sources, [...path, 'from']))
  const { baseEjection, maxEjection } = overlay(base.outlier, outlier)
  if (outlier !== undefined && baseEjection > maxEjection) {
    const key = outlier.maxEjection === undefined ? 'baseEjection' : 'maxEjection'
    const message = `baseEjection (${baseEjection / 1000} s) is longer than maxEjection (${maxEjection / 1000} s)`
    problems.push({ path: [...path, 'outlier', key], message })
  }
  return problems
}
