import { dirname, resolve } from 'node:path'
import type { UpstreamTlsSettings } from '../core/snapshot.ts'
import type { Config, ListenerConfig, SourceConfig } from './config.ts'
import type { Problem } from './finding.ts'
import { checkListeners } from './listener-checks.ts'
import { normalizeRoutes } from './normalize-routes.ts'
import { normalizeServices } from './normalize-services.ts'
import type { ParsedConfig } from './schema.ts'
import type { Source } from './schema/discovery.ts'
import type { Listener } from './schema/listeners.ts'
import type { TlsParts } from './tls/read-tls.ts'
import type { Written } from './written.ts'

/** Fills in what depends on other values, and checks what only the whole can show. */
export function normalize(
  parsed: ParsedConfig,
  from: { file: string; locate: Written['locate']; tls: TlsParts },
): { config: Config; problems: readonly Problem[] } {
  const discovery = Object.entries(parsed.discovery).map(([name, source]) =>
    normalizeSource(name, source, from.tls.sources.get(name) ?? null),
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
    stateDir: parsed.stateDir === null ? null : resolve(dirname(from.file), parsed.stateDir),
    discovery,
    services: services.services,
    routes: routes.routes,
    shutdown: { delayMs: parsed.shutdown.delay, deadlineMs: parsed.shutdown.deadline },
    readyTimeoutMs: parsed.readyTimeout,
  }
  const problems = [...checkListeners(parsed), ...from.tls.problems, ...services.problems, ...routes.problems]
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

function normalizeSource(name: string, source: Source, tls: UpstreamTlsSettings | null): SourceConfig {
  if (source.type === 'etcd') return { name, ...source, tls }
  if (source.type === 'consul') return { name, ...source }
  const services = Object.entries(source.services).map(([service, instances]) => [
    service,
    instances.map(({ address, ...rest }) => ({ ...address, ...rest })),
  ])
  return { name, type: 'static', services: Object.fromEntries(services) }
}
