import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import type { ClientTlsSettings } from '../core/snapshot.ts'
import type { Config, ListenerConfig, SourceConfig, StaticInstanceConfig } from './config.ts'
import type { Problem } from './finding.ts'
import { checkDnsSources } from './dns-checks.ts'
import { checkListeners } from './listener-checks.ts'
import { normalizeRoutes, unnamedRoute } from './normalize-routes.ts'
import { normalizeServices } from './normalize-services.ts'
import type { ParsedConfig } from './schema.ts'
import type { instance, Source } from './schema/discovery.ts'
import type { Listener } from './schema/listeners.ts'
import type { TlsParts } from './tls/read-tls.ts'
import type { Written } from './written.ts'

/** Fills in what depends on other values, and checks what only the whole can show. */
export function normalize(
  parsed: ParsedConfig,
  from: { file: string; locate: Written['locate']; tls: TlsParts },
): { config: Config; problems: readonly Problem[] } {
  const folder = dirname(from.file)
  const discovery = Object.entries(parsed.discovery).map(([name, source]) =>
    normalizeSource(name, source, { folder, tls: from.tls.sources.get(name) ?? null }),
  )
  const routes = normalizeRoutes(parsed, from.locate)
  const routed = routes.routes.map(({ service }) => service)
  const services = normalizeServices(parsed, routed, from.tls)
  const config: Config = {
    listeners: parsed.listeners.map((listener, index) =>
      normalizeListener(listener, from.tls.listeners[index] ?? null),
    ),
    admin: { ...parsed.admin.address, token: parsed.admin.token, publicMetrics: parsed.admin.publicMetrics },
    workers: parsed.workers,
    log: parsed.log,
    stateDir: parsed.stateDir === null ? null : resolve(folder, parsed.stateDir),
    discovery,
    services: services.services,
    routes: routes.routes,
    fromTags: { service: services.unnamed, route: unnamedRoute(parsed) },
    shutdown: { delayMs: parsed.shutdown.delay, deadlineMs: parsed.shutdown.deadline },
    readyTimeoutMs: parsed.readyTimeout,
  }
  const problems = [
    ...checkListeners(parsed),
    ...checkDatacenters(parsed),
    ...from.tls.problems,
    ...services.problems,
    ...routes.problems,
    ...checkDnsSources(parsed, services.services),
  ]
  return { config, problems }
}

function normalizeListener(listener: Listener, tls: ListenerConfig['tls']): ListenerConfig {
  const { name, address, engine, trustedProxies, timeouts, limits, redirectToHttps } = listener
  return {
    name,
    ...address,
    engine,
    trustedProxies,
    timeouts: {
      headMs: timeouts.head,
      idleMs: timeouts.idle,
      bodyMs: timeouts.body,
      writeMs: timeouts.write,
    },
    limits,
    tls,
    redirectToHttps,
  }
}

function checkDatacenters({ discovery }: ParsedConfig): Problem[] {
  return Object.entries(discovery).flatMap(([name, source]): Problem[] => {
    if (source.type !== 'consul' || source.datacenters === null) return []
    const path = ['discovery', name, 'datacenters']
    const twice = source.datacenters.find((datacenter, index, all) => all.indexOf(datacenter) !== index)
    if (twice !== undefined) return [{ path, message: `${twice} is listed twice` }]
    if (source.datacenter === null) return []
    return [{ path, message: 'takes the place of `datacenter`', hint: 'leave `datacenter` out', atKey: true }]
  })
}

function normalizeSource(
  name: string,
  source: Source,
  { folder, tls }: { readonly folder: string; readonly tls: ClientTlsSettings | null },
): SourceConfig {
  if (source.type === 'etcd' || source.type === 'consul') return { name, ...source, tls }
  if (source.type === 'mdns') return { name, ...source }
  if (source.type === 'dns') {
    const { minTtl, maxTtl, timeout, ...rest } = source
    return { name, ...rest, minTtlMs: minTtl, maxTtlMs: maxTtl, timeoutMs: timeout }
  }
  if (source.type === 'file') return { name, type: 'file', path: resolve(folder, source.path) }
  const services = Object.entries(source.services).map(([service, instances]) => [
    service,
    instances.map(normalizeInstance),
  ])
  return { name, type: 'static', services: Object.fromEntries(services) }
}

export function normalizeInstance({ address, ...rest }: z.output<typeof instance>): StaticInstanceConfig {
  return { ...address, ...rest }
}
