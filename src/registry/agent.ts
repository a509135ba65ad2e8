import { ApiError } from './api-error.ts'
import type { Catalog } from './catalog.ts'
import { refuseForeignProbe } from './checks/allowed-host.ts'
import { CheckTable } from './checks/check-table.ts'
import type { CheckDefinition } from './checks/definition.ts'
import type { Check, CheckStatus, Service } from './model.ts'

/**
 * Consul's agent: owns the services registered here and runs their checks, and keeps the catalog in step. Throws an `ApiError` for
 * what a client got wrong.
 */
export class Agent {
  readonly #catalog: Catalog
  readonly #services = new Map<string, Service>()
  #checks: CheckTable

  constructor(catalog: Catalog) {
    this.#catalog = catalog
    this.#checks = new CheckTable(catalog)
  }

  services(): Service[] {
    return [...this.#services.values()]
  }

  service(id: string): Service | undefined {
    return this.#services.get(id)
  }

  checks(): Check[] {
    return this.#checks.list()
  }

  /**
   * Adds or replaces a service. A check it had before keeps its status and output; those no longer named are kept as well unless
   * `replaceExistingChecks`.
   */
  registerService(service: Service, definitions: readonly CheckDefinition[], replaceExistingChecks: boolean): void {
    // An id that moves to another name leaves the old one, whose watchers have to learn of it.
    const before = this.#services.get(service.id)
    if (before && before.name !== service.name) this.deregisterService(service.id)
    this.#services.set(service.id, service)
    const checks = definitions.map((definition, position) => {
      const suffix = definitions.length > 1 ? `:${position + 1}` : ''
      const id = definition.id || `service:${service.id}${suffix}`
      const name = definition.name || `Service '${service.name}' check`
      return this.#checks.put(id, { ...definition, name }, service)
    })
    this.#catalog.register(service, checks)
    if (!replaceExistingChecks) return
    const named = new Set(checks.map((check) => check.id))
    for (const id of this.#checks.idsOf(service.id)) if (!named.has(id)) this.#checks.remove(id)
  }

  deregisterService(id: string): void {
    if (!this.#services.delete(id)) throw unknownService(id)
    this.#checks.forgetService(id)
    this.#catalog.deregisterService(id)
  }

  /** Adds or replaces a check of a service, or of the node where `serviceId` is empty. */
  registerCheck(definition: CheckDefinition, serviceId: string): void {
    const service = this.#services.get(serviceId) ?? null
    if (serviceId && !service) throw new ApiError(500, `ServiceID "${serviceId}" does not exist`)
    refuseForeignProbe(definition.probe, service)
    this.#catalog.register(null, [this.#checks.put(definition.id || definition.name, definition, service)])
  }

  deregisterCheck(id: string): void {
    this.#checks.remove(id)
  }

  /** A client's report on a TTL check, which renews it. */
  updateCheck(id: string, status: CheckStatus, output: string): void {
    this.#checks.update(id, status, output)
  }

  /** `reason` is shown in the check's notes; empty: a default text. */
  setServiceMaintenance(id: string, isEnabled: boolean, reason: string): void {
    const service = this.#services.get(id)
    if (!service) throw unknownService(id)
    this.#setMaintenance(`_service_maintenance:${id}`, isEnabled, reason, service)
  }

  setNodeMaintenance(isEnabled: boolean, reason: string): void {
    this.#setMaintenance('_node_maintenance', isEnabled, reason, null)
  }

  /** Removes the services whose checks have been critical for too long. */
  reap(): void {
    for (const id of this.#checks.overdueServices()) this.deregisterService(id)
  }

  /** Forgets all services and checks, of which the catalog is not told. */
  forget(): void {
    this.#services.clear()
    this.#checks.close()
    this.#checks = new CheckTable(this.#catalog)
  }

  /** Stops all checks; the lists stay readable. */
  close(): void {
    this.#checks.close()
  }

  #setMaintenance(id: string, isEnabled: boolean, reason: string, service: Service | null): void {
    const isOn = this.#checks.has(id)
    if (isOn && !isEnabled) this.#checks.remove(id)
    // Enabled twice, the first reason stays, as in Consul.
    if (isOn || !isEnabled) return
    const scope = service ? 'service' : 'node'
    const definition: CheckDefinition = {
      id,
      name: service ? 'Service Maintenance Mode' : 'Node Maintenance Mode',
      notes:
        reason ||
        `Maintenance mode is enabled for this ${scope}, but no reason was provided. This is a default message.`,
      status: 'critical',
      probe: null,
      deregisterAfterMs: null,
      outputMaxBytes: 0,
    }
    this.#catalog.register(null, [this.#checks.put(id, definition, service)])
  }
}

function unknownService(id: string): ApiError {
  return new ApiError(404, `Unknown service ID "${id}". Ensure that the service ID is passed, not the service name.`)
}
