import type { HealthCheck } from '../core/health-check.ts'
import { healthCheckDefaults } from './defaults.ts'
import type { Path, Problem } from './finding.ts'
import { overlay } from './overlay.ts'
import { healthCheck as schema, type HealthCheckLayer } from './schema/health-check.ts'

/** As the schema has it: undefined = not stated here, null = no checks. */
type Stated = HealthCheckLayer | null | undefined

const leastIntervalMs = 100

/** @param under what `defaults.service` says: it may tune checks without making one */
export function normalizeHealthCheck(entry: Stated, under: Stated): HealthCheck | null {
  if (entry === null) return null
  const stated = asks(entry) ? entry : (under ?? {})
  const { path, tcp } = stated ?? {}
  if (path === undefined && tcp !== true) return null
  const { interval, timeout, ...rest } = overlay(builtIn(), shared(under), shared(entry))
  return { path: path ?? null, ...rest, intervalMs: interval, timeoutMs: timeout }
}

/** @param under for `defaults.service` itself, undefined */
export function checkHealthCheck(entry: Stated, under: Stated, at: { path: Path; isDefault: boolean }): Problem[] {
  if (entry === null || entry === undefined) return []
  const path = [...at.path, 'healthCheck']
  const problems: Problem[] = []
  if (entry.path !== undefined && entry.tcp === true) {
    problems.push({ path: [...path, 'tcp'], message: 'a check is either HTTP (`path`) or TCP (`tcp: true`), not both' })
  }
  if (!at.isDefault && !asks(entry) && !asks(under)) {
    problems.push({ path, atKey: true, message: 'asks nothing', hint: 'add `path: /health` for HTTP, or `tcp: true`' })
  }
  const ofHttp = (['host', 'statuses'] as const).find((key) => entry[key] !== undefined && entry[key] !== null)
  if (entry.tcp === true && entry.path === undefined && ofHttp !== undefined) {
    problems.push({ path: [...path, ofHttp], atKey: true, message: 'is for HTTP checks only', hint: 'leave it out' })
  }
  if (entry.interval !== undefined && entry.interval < leastIntervalMs) {
    problems.push({ path: [...path, 'interval'], message: `must be at least ${leastIntervalMs} ms` })
  }
  return problems
}

function asks(layer: Stated): boolean {
  return layer !== null && layer !== undefined && (layer.path !== undefined || layer.tcp === true)
}

function shared(layer: Stated): Omit<HealthCheckLayer, 'path' | 'tcp'> {
  const { path: _, tcp: __, ...rest } = layer ?? {}
  return rest
}

function builtIn() {
  return schema.omit({ path: true, tcp: true }).required().parse(healthCheckDefaults)
}
