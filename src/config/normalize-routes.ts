import type { RetryRule } from '../core/route.ts'
import type { RouteConfig } from './config.ts'
import type { Path, Problem } from './finding.ts'
import { overlay } from './overlay.ts'
import { routeIds } from './route-ids.ts'
import type { ParsedConfig } from './schema.ts'
import { builtInRoute, type RouteLayer } from './schema/routes.ts'
import type { Written } from './written.ts'

type Located = Omit<RouteConfig, 'id'>

/** Routes in file order. Those without a path or a service are reported and left out. */
export function normalizeRoutes(
  parsed: ParsedConfig,
  locate: Written['locate'],
): { routes: readonly RouteConfig[]; problems: readonly Problem[] } {
  const base = { builtIn: builtInRoute(), defaults: parsed.defaults.route }
  const problems: Problem[] = []
  const rules: Located[] = []
  const seen = new Map<string, Located>()
  for (const [index, entry] of parsed.routes.entries()) {
    const path: Path = ['routes', index]
    const rule = normalizeRoute(entry, base, locate(path, false)?.line ?? null)
    if (Array.isArray(rule)) {
      problems.push(...rule.map((key) => ({ path: [...path, key], message: 'is required' })))
      continue
    }
    const match = matchOf(rule)
    const equal = seen.get(match)
    if (equal === undefined) {
      seen.set(match, rule)
      rules.push(rule)
    } else {
      const place = equal.line === null ? 'an earlier route' : `the route on line ${equal.line}`
      problems.push({ path, message: `takes the same requests as ${place}`, hint: 'remove one of them' })
    }
  }
  const ids = routeIds(rules)
  return { routes: rules.map((rule, index) => ({ id: ids[index] ?? rule.path, ...rule })), problems }
}

/** A route without an entry. */
export function unnamedRoute({ defaults }: ParsedConfig): Omit<Located, 'line'> {
  const base = { builtIn: builtInRoute(), defaults: defaults.route }
  const route = normalizeRoute({ path: '/', service: 'unnamed' }, base, null)
  if (Array.isArray(route)) throw new TypeError(`a default lacks ${route.join()}`)
  const { line: _, ...rule } = route
  return rule
}

interface Base {
  readonly builtIn: ReturnType<typeof builtInRoute>
  readonly defaults: RouteLayer
}

/** The route, or the keys that it lacks. */
function normalizeRoute(entry: RouteLayer, base: Base, line: number | null): Located | string[] {
  const { builtIn, defaults } = base
  const { path, service, headers, timeout, ...settings } = overlay(builtIn, defaults, entry)
  if (path === undefined || service === undefined) {
    return [...(path === undefined ? ['path'] : []), ...(service === undefined ? ['service'] : [])]
  }
  return {
    host: settings.host,
    path,
    methods: settings.methods,
    headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
    service,
    stripPrefix: settings.stripPrefix,
    prependPath: settings.prependPath,
    rewriteHost: settings.rewriteHost,
    timeoutMs: timeout,
    retry: retryRule(overlay(builtIn.retry, defaults.retry, entry.retry)),
    access: null,
    redirect: null,
    origin: null,
    line,
  }
}

function retryRule({ attempts, on, perTry }: ReturnType<typeof builtInRoute>['retry']): RetryRule {
  return {
    attempts,
    connect: on.includes('connect'),
    reset: on.includes('reset'),
    headTimeout: on.includes('head-timeout'),
    statuses: on.filter((cause) => typeof cause === 'number'),
    perTryMs: perTry,
  }
}

/** Equal for two routes that accept exactly the same requests. */
function matchOf({ host, path, methods, headers }: Located): string {
  const fields = headers.map(({ name, value }) => [name, value]).toSorted(byName)
  return JSON.stringify([host, path, methods?.toSorted() ?? null, fields])
}

function byName([a = '']: string[], [b = '']: string[]): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
