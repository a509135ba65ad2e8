import type { ServiceConfig } from './config.ts'
import type { Path, Problem } from './finding.ts'
import { overlay } from './overlay.ts'
import type { ParsedConfig } from './schema.ts'
import { builtInService, type ServiceLayer } from './schema/services.ts'
import { didYouMean } from './suggest.ts'

/** @param routed names of the services that routes go to */
export function normalizeServices(
  parsed: ParsedConfig,
  routed: readonly string[],
): { services: readonly ServiceConfig[]; problems: readonly Problem[] } {
  const problems: Problem[] = []
  const sources = Object.keys(parsed.discovery)
  const [firstSource] = sources
  if (firstSource === undefined) {
    problems.push({
      path: ['discovery'],
      message: 'needs at least one source',
      hint: 'leave it out for a local Consul agent',
    })
  }
  problems.push(...checkSource(parsed.defaults.service, sources, ['defaults', 'service']))
  problems.push(...checkEjection(parsed.defaults.service.outlier, parsed, ['defaults', 'service']))

  const entries = new Map<string, ServiceLayer>(Object.entries(parsed.services))
  for (const [key, entry] of entries) {
    problems.push(...checkSource(entry, sources, ['services', key]))
    if (entry.outlier !== undefined) problems.push(...checkEjection(entry.outlier, parsed, ['services', key]))
  }
  for (const name of routed) if (!entries.has(name)) entries.set(name, {})
  return {
    services: [...entries].map(([key, entry]) => normalizeService(key, entry, parsed, firstSource ?? '')),
    problems,
  }
}

function normalizeService(key: string, entry: ServiceLayer, parsed: ParsedConfig, firstSource: string): ServiceConfig {
  const settings = overlay(builtInService(), parsed.defaults.service, entry)
  const outlier = layeredOutlier(entry.outlier, parsed)
  return {
    key,
    from: settings.from ?? firstSource,
    name: settings.name ?? key,
    balancer: settings.balancer,
    protocol: settings.protocol,
    outlier: {
      consecutiveFailures: outlier.consecutiveFailures,
      baseEjectionMs: outlier.baseEjection,
      maxEjectionMs: outlier.maxEjection,
      maxEjectedPercent: outlier.maxEjectedPercent,
    },
    connectTimeoutMs: settings.connectTimeout,
    headTimeoutMs: settings.headTimeout,
    idleTimeoutMs: settings.idleTimeout,
    holdMs: settings.hold,
  }
}

function layeredOutlier(own: ServiceLayer['outlier'], parsed: ParsedConfig) {
  return overlay(builtInService().outlier, parsed.defaults.service.outlier, own)
}

function checkSource({ from }: ServiceLayer, sources: readonly string[], path: Path): Problem[] {
  if (from === undefined || sources.length === 0 || sources.includes(from)) return []
  const hint = didYouMean(from, sources).hint ?? `there is ${sources.map((name) => `"${name}"`).join(', ')}`
  return [{ path: [...path, 'from'], message: `no source in \`discovery\` is called "${from}"`, hint }]
}

function checkEjection(own: ServiceLayer['outlier'], parsed: ParsedConfig, path: Path): Problem[] {
  const { baseEjection, maxEjection } = layeredOutlier(own, parsed)
  if (baseEjection <= maxEjection) return []
  const key = own?.maxEjection === undefined ? 'baseEjection' : 'maxEjection'
  const message = `baseEjection (${baseEjection / 1000} s) is longer than maxEjection (${maxEjection / 1000} s)`
  return [{ path: [...path, 'outlier', key], message }]
}
