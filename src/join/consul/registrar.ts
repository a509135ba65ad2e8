import type { Listed, Registrar, Standing } from '../registrar.ts'
import type { HealthReport, Registration } from '../registration.ts'
import { RegisterError } from '../register-error.ts'
import { AgentApi, type AgentApiOptions } from './agent-api.ts'
import { type AgentService, checkId, definitionOf, isAsRegistered } from './definition.ts'

/** Consul raises less without a word: https://developer.hashicorp.com/consul/api-docs/agent/check#deregistercriticalserviceafter */
const minDeregisterAfterMs = 60_000
const minIntervalMs = 1000
/** By this its own maintenance mode is told from an operator's. */
const leavingReason = 'tidegate: leaving'
const withdrawWaitSeconds = 10

interface Row {
  readonly Service: AgentService | null
  readonly Checks: readonly { readonly CheckID: string; readonly Notes: string }[] | null
}

/** A row of `/v1/health/service/…`. */
interface HealthRow {
  readonly Node: { readonly Node: string; readonly Address: string }
  readonly Service: AgentService & { readonly ID: string }
  readonly Checks: readonly { readonly CheckID: string; readonly Status: string }[]
}

/** Registers at one agent of Consul, which is the only one that can deregister what it has: the agent of the own machine. */
export class ConsulRegistrar implements Registrar {
  readonly title: string
  readonly hosts: readonly string[]
  readonly makesChecks = true
  readonly #api: AgentApi

  constructor(options: AgentApiOptions) {
    this.#api = new AgentApi(options)
    const { host } = new URL(options.url)
    this.title = `consul at ${host}`
    this.hosts = [host]
  }

  warnings({ deregisterAfterMs, check }: Registration): readonly string[] {
    const found: string[] = []
    if (deregisterAfterMs !== null && deregisterAfterMs < minDeregisterAfterMs) {
      found.push(`Consul raises deregisterAfter of ${deregisterAfterMs / 1000}s to 1m`)
    }
    if (check.type !== 'ttl' && check.intervalMs < minIntervalMs) {
      found.push(`Consul raises the interval of a check of ${check.intervalMs}ms to 1s`)
    }
    return found
  }

  /** The address that the agent tells the others of its cluster. */
  async ownHost(signal: AbortSignal): Promise<string | null> {
    const { json } = await this.#api.call('GET', '/v1/agent/self', { signal })
    const address = (json as { Member?: { Addr?: unknown } } | undefined)?.Member?.Addr
    return typeof address === 'string' && address !== '' ? address : null
  }

  async register(registration: Registration, health: HealthReport, signal: AbortSignal): Promise<void> {
    const row = await this.#row(registration, signal)
    // With it, checks of an earlier definition go, and maintenance mode with them: an operator's has to stay.
    const replaces = maintenanceOf(row, registration) !== 'operator'
    const path = `/v1/agent/service/register${replaces ? '?replace-existing-checks=true' : ''}`
    await this.#api.call('PUT', path, { body: definitionOf(registration, health), signal })
    if (registration.check.type === 'ttl') await this.#report(registration, health, signal)
  }

  async renew(registration: Registration, health: HealthReport, signal: AbortSignal): Promise<Standing> {
    const row = await this.#row(registration, signal)
    if (!row?.Service || !row.Checks?.some((check) => check.CheckID === checkId(registration))) return 'missing'
    if (!isAsRegistered(row.Service, registration)) return 'altered'
    if (registration.check.type !== 'ttl') return 'present'
    return (await this.#report(registration, health, signal)) ? 'present' : 'missing'
  }

  async withdraw(registration: Registration, signal: AbortSignal): Promise<void> {
    const reason = encodeURIComponent(leavingReason)
    const path = `/v1/agent/service/maintenance/${encodeURIComponent(registration.id)}?enable=true&reason=${reason}`
    const { status } = await this.#api.call('PUT', path, { signal, accepted: [404, 500] })
    // Not there: nobody can choose it.
    if (status === 404 || status === 500) return
    await this.#untilShown(registration, signal)
  }

  async deregister({ id }: Registration, signal: AbortSignal): Promise<void> {
    // What is not there is gone: 200 up to Consul 1.8, 404 from newer ones.
    await this.#api.call('PUT', `/v1/agent/service/deregister/${encodeURIComponent(id)}`, { signal, accepted: [404] })
  }

  async sweep({ name, id, host, port }: Registration, signal: AbortSignal): Promise<readonly string[]> {
    const { json } = await this.#api.call('GET', '/v1/agent/services', { signal })
    const services = Object.entries((json ?? {}) as Record<string, AgentService>)
    const stale = services
      .filter(([other, { Service, Address, Port }]) => {
        return other !== id && Service === name && Address === host && Port === port
      })
      .map(([other]) => other)
    for (const other of stale) {
      const path = `/v1/agent/service/deregister/${encodeURIComponent(other)}`
      await this.#api.call('PUT', path, { signal, accepted: [404] })
    }
    return stale
  }

  async list(name: string | null, signal: AbortSignal): Promise<readonly Listed[]> {
    const names = name === null ? await this.#serviceNames(signal) : [name]
    const lists = await Promise.all(
      names.map(async (service) => {
        const { json } = await this.#api.call('GET', `/v1/health/service/${encodeURIComponent(service)}`, { signal })
        return (json ?? []) as readonly HealthRow[]
      }),
    )
    return lists.flat().map(listedOf)
  }

  /** At this agent, if the entry is its own; from the catalog, if the agent that has it is gone, and would else put it back. */
  async remove(entry: Listed, signal: AbortSignal): Promise<void> {
    const { service, id, node } = entry
    const { json } = await this.#api.call('GET', '/v1/agent/self', { signal })
    const own = (json as { Config?: { NodeName?: unknown } } | undefined)?.Config?.NodeName
    if (node === own) {
      const path = `/v1/agent/service/deregister/${encodeURIComponent(id)}`
      await this.#api.call('PUT', path, { signal, accepted: [404] })
      return
    }
    const health = await this.#api.call('GET', `/v1/health/node/${encodeURIComponent(node)}`, { signal })
    const checks = (health.json ?? []) as readonly { readonly CheckID: string; readonly Status: string }[]
    if (!checks.some(({ CheckID, Status }) => CheckID === 'serfHealth' && Status === 'critical')) {
      const message = `${id} of ${service} is registered at the agent of ${node}, which alone can remove it: name that one`
      throw new RegisterError('refused', message)
    }
    await this.#api.call('PUT', '/v1/catalog/deregister', { body: { Node: node, ServiceID: id }, signal })
  }

  async #serviceNames(signal: AbortSignal): Promise<readonly string[]> {
    const { json } = await this.#api.call('GET', '/v1/catalog/services', { signal })
    // Consul's own, which is no HTTP service.
    return Object.keys(json ?? {}).filter((name) => name !== 'consul')
  }

  async close(): Promise<void> {
    await this.#api.close()
  }

  /** The agent's own entry and checks of the instance; null when it has none. */
  async #row({ id }: Registration, signal: AbortSignal): Promise<Row | null> {
    // 429 and 503 are how this resource says warning and critical.
    const path = `/v1/agent/health/service/id/${encodeURIComponent(id)}?format=json`
    const { status, json } = await this.#api.call('GET', path, { signal, accepted: [404, 429, 503] })
    if (status === 404) return null
    if (typeof json !== 'object' || json === null) {
      throw new RegisterError('failed', `${this.title} answered ${status} to ${path} with something that is no entry`)
    }
    return json as Row
  }

  /** @returns false when the agent does not know the check: 500 up to Consul 1.8, 404 from newer ones */
  async #report(registration: Registration, { status, note }: HealthReport, signal: AbortSignal): Promise<boolean> {
    const path = `/v1/agent/check/update/${encodeURIComponent(checkId(registration))}`
    const body = { Status: status, Output: note }
    const answer = await this.#api.call('PUT', path, { body, signal, accepted: [404, 500] })
    return answer.status < 300
  }

  /** The agent tells its servers within moments; a query that any watcher could have made shows when they know. */
  async #untilShown(registration: Registration, signal: AbortSignal): Promise<void> {
    const base = `/v1/health/service/${encodeURIComponent(registration.name)}`
    let index = 0
    const untilMs = performance.now() + withdrawWaitSeconds * 1000
    while (performance.now() < untilMs) {
      const path = `${base}?index=${index}&wait=${withdrawWaitSeconds}s`
      const answer = await this.#api.call('GET', path, { signal, timeoutMs: (withdrawWaitSeconds + 2) * 1000 })
      const rows = (answer.json ?? []) as readonly HealthRow[]
      // Ids are unique for each agent alone: another's instance of the same id is not ours.
      const own = rows.find(({ Service }) => Service.ID === registration.id && isAsRegistered(Service, registration))
      if (own === undefined || own.Checks.some((check) => check.CheckID === maintenanceId(registration))) return
      index = Math.max(1, answer.index)
    }
  }
}

function maintenanceId({ id }: Registration): string {
  return `_service_maintenance:${id}`
}

function maintenanceOf(row: Row | null, registration: Registration): 'none' | 'own' | 'operator' {
  const found = row?.Checks?.find((check) => check.CheckID === maintenanceId(registration))
  if (found === undefined) return 'none'
  return found.Notes === leavingReason ? 'own' : 'operator'
}

function listedOf({ Node, Service, Checks }: HealthRow): Listed {
  return {
    service: Service.Service,
    id: Service.ID,
    node: Node.Node,
    host: Service.Address || Node.Address,
    port: Service.Port,
    status: statusOf(Checks),
    version: Service.Meta?.version ?? '',
  }
}

/** The worst of its checks, maintenance first, as a gateway reads them. */
function statusOf(checks: HealthRow['Checks']): string {
  if (checks.some(({ CheckID }) => /^_(?:node|service)_maintenance/.test(CheckID))) return 'maintenance'
  return ['critical', 'warning'].find((status) => checks.some(({ Status }) => Status === status)) ?? 'passing'
}
