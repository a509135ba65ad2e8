import { ApiError } from '../api-error.ts'
import type { Catalog } from '../catalog.ts'
import type { Check, CheckStatus, Service } from '../model.ts'
import type { CheckDefinition, CheckRunner } from './definition.ts'
import { truncateOutput } from './output.ts'
import { startSentCheck } from './sent-check.ts'
import { startTtlCheck, type TtlCheck } from './ttl-check.ts'

interface LocalCheck {
  /** With the newest output, of which the catalog may have an older one. */
  check: Check
  readonly runner: CheckRunner | null
  /** The same object as `runner` where clients report the status. */
  readonly ttl: TtlCheck | null
  readonly deregisterAfterMs: number | null
  readonly outputMaxBytes: number
  /** On the monotonic clock; null while the check is not critical, and before its first result. */
  criticalSinceMs: number | null
  syncedAtMs: number
}

/** An output that changes alone wakes watchers no more often than this, like Consul's `check_update_interval`. */
const outputSyncIntervalMs = 5 * 60_000

/** The checks an agent runs. What they find goes to the catalog. */
export class CheckTable {
  readonly #catalog: Catalog
  readonly #checks = new Map<string, LocalCheck>()
  /** Ids by service, those of the node under an empty one. */
  readonly #idsByService = new Map<string, Set<string>>()

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  list(): Check[] {
    return [...this.#checks.values()].map((local) => local.check)
  }

  /** The ids of a service's checks. */
  idsOf(serviceId: string): readonly string[] {
    return [...(this.#idsByService.get(serviceId) ?? [])]
  }

  has(id: string): boolean {
    return this.#checks.has(id)
  }

  /**
   * Starts a check, in place of one of the same id whose status and output it keeps. The caller registers the returned row with the
   * catalog, so that a service and its checks arrive together.
   */
  put(id: string, definition: CheckDefinition, service: Service | null): Check {
    const before = this.#checks.get(id)
    // An id that moves to another service leaves the old one, whose watchers have to learn of it.
    if (before && before.check.serviceId !== (service?.id ?? '')) this.remove(id)
    before?.runner?.stop()
    const check: Check = {
      id,
      name: definition.name,
      status: before?.check.status ?? definition.status,
      notes: definition.notes,
      output: before?.check.output ?? '',
      serviceId: service?.id ?? '',
      serviceName: service?.name ?? '',
      type: definition.probe?.type ?? 'maintenance',
    }
    const report = (status: CheckStatus, output: string) => this.#report(id, status, output)
    const { probe, outputMaxBytes, deregisterAfterMs } = definition
    const ttl = probe?.type === 'ttl' ? startTtlCheck(probe.ttlMs, report) : null
    const runner = probe && probe.type !== 'ttl' ? startSentCheck(probe, outputMaxBytes, report) : ttl
    this.#checks.set(id, {
      check,
      runner,
      ttl,
      deregisterAfterMs,
      outputMaxBytes,
      criticalSinceMs: before?.criticalSinceMs ?? null,
      syncedAtMs: performance.now(),
    })
    const siblings = this.#idsByService.get(check.serviceId) ?? new Set()
    this.#idsByService.set(check.serviceId, siblings.add(id))
    return check
  }

  /** A client's report on a TTL check, which renews it. */
  update(id: string, status: CheckStatus, output: string): void {
    const local = this.#checks.get(id)
    if (!local) throw unknownCheck(id)
    if (!local.ttl) throw new ApiError(500, `CheckID "${id}" does not have associated TTL`)
    const kept = truncateOutput(output, local.outputMaxBytes)
    this.#report(id, status, kept)
    local.ttl.renew(kept)
  }

  remove(id: string): void {
    const local = this.#checks.get(id)
    if (!local) throw unknownCheck(id)
    this.#drop(id, local)
    this.#catalog.deregisterCheck(id)
  }

  /** Drops the checks of a service that the catalog removes as a whole. */
  forgetService(serviceId: string): void {
    for (const id of this.idsOf(serviceId)) {
      const local = this.#checks.get(id)
      if (local !== undefined) this.#drop(id, local)
    }
  }

  /** The services that have a check critical for longer than its `DeregisterCriticalServiceAfter`. */
  overdueServices(): Set<string> {
    const nowMs = performance.now()
    const overdue = new Set<string>()
    for (const { check, criticalSinceMs, deregisterAfterMs } of this.#checks.values()) {
      if (!check.serviceId || criticalSinceMs === null || deregisterAfterMs === null) continue
      if (nowMs - criticalSinceMs > deregisterAfterMs) overdue.add(check.serviceId)
    }
    return overdue
  }

  /** Stops all checks; the list stays readable. */
  close(): void {
    for (const { runner } of this.#checks.values()) runner?.stop()
  }

  #drop(id: string, { check, runner }: LocalCheck): void {
    runner?.stop()
    this.#checks.delete(id)
    const siblings = this.#idsByService.get(check.serviceId)
    if (siblings?.delete(id) && siblings.size === 0) this.#idsByService.delete(check.serviceId)
  }

  #report(id: string, status: CheckStatus, output: string): void {
    const local = this.#checks.get(id)
    if (!local) return
    const nowMs = performance.now()
    const hasChangedStatus = local.check.status !== status
    local.criticalSinceMs = status === 'critical' ? (local.criticalSinceMs ?? nowMs) : null
    local.check = { ...local.check, status, output }
    if (!hasChangedStatus && nowMs - local.syncedAtMs < outputSyncIntervalMs) return
    local.syncedAtMs = nowMs
    this.#catalog.register(null, [local.check])
  }
}

function unknownCheck(id: string): ApiError {
  return new ApiError(404, `Unknown check ID "${id}". Ensure that the check ID is passed, not the check name.`)
}
