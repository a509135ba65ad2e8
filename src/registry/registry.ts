import { Agent } from './agent.ts'
import type { Catalog } from './catalog.ts'
import type { CheckRules } from './checks/decode.ts'
import { FaultTable } from './faults/fault-table.ts'
import type { Fault } from './faults/fault.ts'
import { KeyStore } from './key-store.ts'
import type { Operation } from './http/operation.ts'
import { serve } from './http/serve.ts'
import { ApiServer, type ServerTls } from './http/server.ts'
import { isLoopbackHost } from './loopback.ts'
import { createCatalog, isOwnRow } from './own-node.ts'
import { agentCheckOperations } from './resources/agent-checks.ts'
import { agentServiceOperations } from './resources/agent-services.ts'
import { agentHealthOperations } from './resources/agent-health.ts'
import { agentOperations } from './resources/agent.ts'
import { catalogOperations } from './resources/catalog.ts'
import { faultOperations } from './resources/faults.ts'
import { healthOperations } from './resources/health.ts'
import { keyOperations } from './resources/keys.ts'
import { statusOperations } from './resources/status.ts'

export interface RegistryOptions {
  /** Default `127.0.0.1`. Off loopback anyone who reaches the port may register and deregister. */
  readonly host?: string
  /** Default 8500, Consul's; 0 takes a free one. */
  readonly port?: number
  /** Default `tidegate`. */
  readonly nodeName?: string
  /** How often overdue services are looked for. Default 30,000. */
  readonly reapIntervalMs?: number
  /** The least `DeregisterCriticalServiceAfter`; shorter ones are raised to it. Default 60,000. */
  readonly minReapMs?: number
  /** The least `Interval` of HTTP, TCP and gRPC checks; shorter ones are raised to it. Default 1000. */
  readonly minCheckIntervalMs?: number
  /** PEM: `https:`, over HTTP/2 and HTTP/1.1. Default: plain HTTP/1.1. */
  readonly tls?: ServerTls
  /** Takes orders of faults at `/v1/tidegate/faults`, for tests in other processes. Default false. */
  readonly takesFaults?: boolean
}

/** Consul's HTTP API in memory: one datacenter, one node, nothing on disk. Its README lists where it differs. */
export interface Registry {
  /** Listens; rejects where the address is taken. May be called once. `address` is for example `http://127.0.0.1:8500`. */
  start(): Promise<{ address: string }>
  /**
   * Has the registry suffer a fault until the returned function is called, so that a test sees what its program does then. Faults add up;
   * the README says what each is.
   * @throws Error where the fault is not one of them
   */
  fault(fault: Fault): () => void
  /** Stops checks, ends all waiting queries and connections, and frees the port. */
  close(): Promise<void>
}

/** @throws Error where OpenSSL takes no such certificate and key */
export function createRegistry(options: RegistryOptions = {}): Registry {
  const { host = '127.0.0.1', port = 8500, nodeName = 'tidegate', reapIntervalMs = 30_000 } = options
  const rules: CheckRules = {
    minIntervalMs: options.minCheckIntervalMs ?? 1000,
    minReapMs: options.minReapMs ?? 60_000,
  }
  const catalog = createCatalog(nodeName, host)
  const agent = new Agent(catalog)
  const keys = new KeyStore(catalog.leadership)

  const faults = new FaultTable({
    loseLeader: () => catalog.leadership.lose(),
    resetIndex: () => {
      catalog.resetIndex()
      keys.resetIndex()
    },
    forget: () => {
      agent.forget()
      catalog.forget(isOwnRow)
      keys.forget()
    },
    // After the answer to the order, which may have come over one of them.
    dropConnections: () => setImmediate(() => server.dropConnections()),
  })
  const operations = [
    ...allOperations(agent, catalog, keys, rules),
    ...(options.takesFaults === true ? faultOperations(faults) : []),
  ]
  const server = new ApiServer(serve({ operations, isOnLoopback: isLoopbackHost(host), faults }), options.tls ?? null)
  let reaper: NodeJS.Timeout | undefined

  return {
    start: async () => {
      let address: string
      try {
        address = await server.listen(host, port)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        throw new Error(`The registry cannot listen on ${host} port ${port}: ${reason}. Choose another port.`, {
          cause: error,
        })
      }
      reaper = setInterval(() => agent.reap(), reapIntervalMs)
      return { address }
    },
    fault: (fault) => {
      const id = faults.order(fault)
      return () => void faults.undo(id)
    },
    close: async () => {
      clearInterval(reaper)
      faults.undoAll()
      agent.close()
      await server.close()
    },
  }
}

function allOperations(agent: Agent, catalog: Catalog, keys: KeyStore, rules: CheckRules): Operation[] {
  return [
    ...agentOperations(agent, catalog.node),
    ...agentServiceOperations(agent, catalog, rules),
    ...agentHealthOperations(agent, catalog.node),
    ...agentCheckOperations(agent, catalog.node, rules),
    ...catalogOperations(catalog),
    ...healthOperations(catalog),
    ...keyOperations(keys),
    ...statusOperations(catalog.node, catalog.leadership),
  ]
}
