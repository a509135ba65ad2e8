import { EventEmitter, once } from 'node:events'
import type { SettledExchange } from '../../src/core/exchange.ts'
import { serviceSettings } from './service.ts'
import { Ledger } from '../../src/core/ledger.ts'
import type { ControlMessage, ThreadMessage } from '../../src/core/message.ts'
import type { ConnectMiddleware } from '../../src/core/middleware.ts'
import type { RetryRule, RouteRule } from '../../src/core/route.ts'
import type { EngineName, ListenerSettings, PublishedEndpoint, ServiceSettings } from '../../src/core/snapshot.ts'
import { monotonicMs } from '../../src/util/clock.ts'
import { createDataPlane } from '../../src/workers/data-plane.ts'
import type { MemoryReading } from '../../src/workers/memory-watch.ts'
import { publishedEndpoint } from './endpoints.ts'
import { retryRule } from './retry-rule.ts'

/** Where an origin of the test listens. The same port published twice stays the same endpoint. */
export interface OriginAddress {
  readonly port: number
  readonly host?: string
  readonly weight?: number
  readonly draining?: boolean
  /** The name that the registry has for it; default none. */
  readonly hostName?: string
}

/** Changes to a route; of `retry`, those that differ from the default. */
export type RouteChanges = Partial<Omit<RouteRule, 'retry'>> & { readonly retry?: Partial<RetryRule> }

export interface EngineOptions {
  readonly origins: readonly OriginAddress[]
  readonly middlewares?: readonly ConnectMiddleware[]
  readonly memory?: () => MemoryReading
  readonly listener?: {
    /** Default: fast. */
    readonly engine?: EngineName
    readonly trustedProxies?: readonly string[]
    readonly timeouts?: Partial<ListenerSettings['timeouts']>
    readonly limits?: Partial<ListenerSettings['limits']>
    readonly tls?: ListenerSettings['tls']
    readonly redirectToHttps?: ListenerSettings['redirectToHttps']
  }
  /** Changes to the one route, `/` → service `web`. */
  readonly route?: RouteChanges
  /** Instead of the one route. Their service is `web` unless they name `empty`, which has no endpoint. */
  readonly routes?: readonly RouteChanges[]
  readonly service?: Partial<ServiceSettings>
}

/** A settled exchange, copied: the engine uses its object again. */
export interface SettledRecord extends Omit<SettledExchange, 'header' | 'endpoint' | 'tried' | 'logged'> {
  /** Port of the last attempt's endpoint. */
  readonly endpointPort: number | null
}

export interface Engine {
  readonly port: number
  readonly settled: readonly SettledRecord[]
  /** Everything the data plane told the control plane, series left out. */
  readonly messages: readonly ThreadMessage[]
  readonly ledger: Ledger
  /** Ledger row of the endpoint at this port. */
  slot(port: number): number
  /** The n-th settled exchange, counted from 1. */
  settledAt(n: number): Promise<SettledRecord>
  /** The first message of this type, already there or to come. */
  message<T extends ThreadMessage['type']>(type: T): Promise<Extract<ThreadMessage, { type: T }>>
  /** Replaces the list of endpoints; resolves when it is in force. */
  publish(origins: readonly OriginAddress[]): Promise<void>
  /** A new configuration: these listeners, each like the first one but for its changes; services and routes stay. */
  listen(listeners: readonly Partial<ListenerSettings>[]): Promise<Extract<ThreadMessage, { type: 'config-applied' }>>
  /** A new configuration in which only the settings of services differ; resolves when it is in force. */
  reconfigureService(changes: Partial<ServiceSettings>): Promise<void>
  /** Replaces what session tickets are made of; in force for connections that are accepted later. */
  shareTickets(secret: Uint8Array): Promise<void>
  /** Stops accepting and lets exchanges finish. @returns how many connections the deadline cut */
  drain(deadlineMs: number): Promise<number>
  close(): Promise<void>
}

/** An engine in this process over a real Ledger, fed with plain values as the control plane would. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const ledger = Ledger.create(1, monotonicMs())
  ledger.reserve(64, 2)
  const listenerSlots = new Map<string, number>()
  const settled: SettledRecord[] = []
  const messages: ThreadMessage[] = []
  const slots = new Map<number, number>()
  const events = new EventEmitter()
  events.setMaxListeners(0)
  let version = 0
  let configVersion = 1
  let latest = options.origins
  let { service } = options

  const plane = createDataPlane({
    workers: 0,
    sharesPorts: false,
    drainDeadlineMs: () => 0,
    logFd: 1,
    ledger,
    middlewares: options.middlewares ?? [],
    ...(options.memory !== undefined && { memory: options.memory }),
    accessLog: (exchange) => {
      settled.push(recordOf(exchange))
      events.emit('settled')
    },
    onStarted: (_id, send) => send(config(1, [{}])),
    onLeaving: () => {},
    onLost: () => {},
    onMessage: (_id, heard) => {
      if (heard.type === 'series' || heard.type === 'series-retired') return
      messages.push(heard)
      events.emit('message')
    },
  })

  function config(wanted: number, listeners: readonly Partial<ListenerSettings>[]): ControlMessage {
    const rows = listeners.map((changes) => placed({ ...listenerSettings(options), ...changes }))
    return {
      type: 'config',
      forgotten: 0,
      ledger: ledger.shape(),
      snapshot: {
        version: wanted,
        accessLog: true,
        listeners: rows,
        services: [serviceSettings('web', 0, service), serviceSettings('empty', 1, service)],
        routes: (options.routes ?? [options.route ?? {}]).map(routeRule),
      },
    }
  }

  /** Each listener in a row of its own, by name. */
  function placed(settings: ListenerSettings): ListenerSettings {
    const slot = listenerSlots.get(settings.name) ?? listenerSlots.size
    listenerSlots.set(settings.name, slot)
    ledger.reserveListeners(slot + 1)
    if (settings.limits.connectionsPerClient !== null) ledger.reserveClients(slot, settings.limits.connections)
    return { ...settings, slot }
  }

  async function until<T>(event: string, look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      await once(events, event)
    }
  }

  async function message<T extends ThreadMessage['type']>(type: T): Promise<Extract<ThreadMessage, { type: T }>> {
    const isWanted = (candidate: ThreadMessage): candidate is Extract<ThreadMessage, { type: T }> =>
      candidate.type === type
    return until('message', () => messages.find(isWanted))
  }

  async function publish(origins: readonly OriginAddress[]): Promise<void> {
    version++
    latest = origins
    const wanted = version
    const endpoints = origins.map((origin): PublishedEndpoint => {
      const slot = slots.get(origin.port) ?? slots.size
      slots.set(origin.port, slot)
      const { port, host = '127.0.0.1', hostName = null, weight = 1, draining = false } = origin
      return publishedEndpoint(slot, {
        id: `test/node/${slot}@${host}:${port}`,
        host,
        hostName,
        port,
        weight,
        draining,
      })
    })
    plane.send({ type: 'service', ledger: ledger.shape(), published: { service: 'web', version, endpoints } })
    await until('message', () => messages.find((m) => m.type === 'service-applied' && m.version === wanted))
  }

  async function listen(listeners: readonly Partial<ListenerSettings>[]) {
    const wanted = ++configVersion
    plane.send(config(wanted, listeners))
    return until('message', () => {
      const applied = messages.findLast(({ type }) => type === 'config-applied')
      return applied?.type === 'config-applied' && applied.version === wanted ? applied : undefined
    })
  }

  async function drain(deadlineMs: number): Promise<number> {
    plane.send({ type: 'drain', deadlineMs })
    return (await message('drained')).cut
  }

  plane.start()
  const { addresses, errors } = await message('config-applied')
  const address = addresses[0]
  if (address === undefined) throw new Error(`the listener could not be opened: ${errors[0]?.message}`)
  await publish(options.origins)

  return {
    port: address.port,
    settled,
    messages,
    ledger,
    slot(port) {
      const slot = slots.get(port)
      if (slot === undefined) throw new Error(`port ${port} was never published`)
      return slot
    },
    settledAt: async (n) => until('settled', () => settled[n - 1]),
    message,
    publish,
    listen,
    async reconfigureService(changes) {
      service = { ...service, ...changes }
      await listen([{}])
    },
    async shareTickets(secret) {
      plane.send({ type: 'tickets', secret })
      // Messages keep their order: what is acknowledged behind it says that it arrived.
      await publish(latest)
    },
    drain,
    async close() {
      if (!messages.some(({ type }) => type === 'drained')) await drain(0)
      await plane.stop()
    },
  }
}

function recordOf(exchange: SettledExchange): SettledRecord {
  return {
    method: exchange.method,
    host: exchange.host,
    path: exchange.path,
    url: exchange.url,
    requestId: exchange.requestId,
    clientAddress: exchange.clientAddress,
    listener: exchange.listener,
    routeId: exchange.routeId,
    serviceName: exchange.serviceName,
    attempts: exchange.attempts,
    status: exchange.status,
    failure: exchange.failure,
    requestBytes: exchange.requestBytes,
    responseBytes: exchange.responseBytes,
    durationMs: exchange.durationMs,
    endpointPort: exchange.endpoint === null ? null : exchange.endpoint.port,
  }
}

export function listenerSettings({ listener = {} }: EngineOptions): ListenerSettings {
  return {
    name: 'edge',
    slot: 0,
    host: '127.0.0.1',
    port: 0,
    engine: listener.engine ?? 'fast',
    trustedProxies: listener.trustedProxies ?? [],
    timeouts: { headMs: 10_000, idleMs: 75_000, bodyMs: 30_000, writeMs: 30_000, ...listener.timeouts },
    limits: {
      headBytes: 16_384,
      headFields: 100,
      bodyBytes: null,
      connections: 20_000,
      connectionsPerClient: null,
      ...listener.limits,
    },
    tls: listener.tls ?? null,
    redirectToHttps: listener.redirectToHttps ?? null,
  }
}

export function routeRule({ retry, ...overrides }: RouteChanges): RouteRule {
  return {
    id: overrides.path ?? '/',
    host: null,
    path: '/',
    methods: null,
    headers: [],
    service: 'web',
    stripPrefix: false,
    prependPath: null,
    rewriteHost: false,
    access: null,
    redirect: null,
    origin: null,
    timeoutMs: 30_000,
    retry: retryRule(retry),
    ...overrides,
  }
}
