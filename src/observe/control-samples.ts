import type { ControlFamilyName } from './families.ts'
import type { ControlReadings, EjectionReading, ListenerNames, MetricsInput } from './metrics-input.ts'
import type { Sample } from './raw-family.ts'

/**
 * The families whose values the control plane counts.
 *
 * @param stats the readings of the scrape under way, gathered once for all families
 */
export function controlSamples(
  input: MetricsInput,
  stats: () => ControlReadings,
): Record<ControlFamilyName, () => readonly Sample[]> {
  const departing = departingEjections()
  return {
    tidegate_endpoints: () =>
      stats().endpoints.map(({ service, state, count }) => ({ labels: { service, state }, value: count })),
    tidegate_endpoint_inflight: () =>
      stats().inflight.map(({ service, instance, inflight }) => ({
        labels: { service, instance },
        value: inflight,
      })),
    tidegate_service_inflight: () =>
      stats().load.map(({ service, inflight }) => ({ labels: { service }, value: inflight })),
    tidegate_service_pending: () =>
      stats().load.map(({ service, pending }) => ({ labels: { service }, value: pending })),
    tidegate_service_max_requests: () =>
      stats().load.flatMap(({ service, maxRequests }) =>
        maxRequests === null ? [] : [{ labels: { service }, value: maxRequests }],
      ),
    tidegate_ejections_total: () =>
      departing(stats()).map(({ service, instance, reason, count }) => ({
        labels: { service, instance, reason },
        value: count,
      })),
    tidegate_health_disagreements: () =>
      stats().disagreements.map(({ service, registry, count }) => ({ labels: { service, registry }, value: count })),
    tidegate_discovery_age_seconds: () =>
      stats().discovery.map(({ source, service, ageSeconds }) => ({
        labels: { source, service },
        value: ageSeconds,
      })),
    tidegate_discovery_updates_total: () =>
      stats().discovery.flatMap(({ source, service, updates }) =>
        Object.entries(updates).map(([outcome, value]) => ({ labels: { source, service, outcome }, value })),
      ),
    tidegate_service_lists_total: () =>
      stats().lists.map(({ service, count }) => ({ labels: { service }, value: count })),
    tidegate_discovery_skipped_total: () =>
      stats().discovery.map(({ source, service, skipped }) => ({ labels: { source, service }, value: skipped })),
    tidegate_config_reloads_total: () =>
      Object.entries(input.reloads()).map(([outcome, value]) => ({ labels: { outcome }, value })),
    tidegate_tls_certificate_expiry_timestamp_seconds: () => expiries(input.names().listeners),
    tidegate_workers: () => [{ labels: {}, value: input.workers().running.length }],
    tidegate_worker_restarts_total: () => [{ labels: {}, value: input.workers().restarts }],
    tidegate_worker_utilization: () =>
      input
        .workers()
        .running.map(({ column, utilization }) => ({ labels: { worker: String(column) }, value: utilization })),
    tidegate_log_dropped_total: () => [{ labels: {}, value: linesDropped(input) }],
  }
}

/** One series per listener and name: of two certificates for a name, the one that expires first. */
function expiries(listeners: readonly ListenerNames[]): Sample[] {
  return listeners.flatMap(({ name: listener, tls }) => {
    const earliest = new Map<string, number>()
    for (const { label, expiresMs } of tls?.certificates ?? []) {
      earliest.set(label, Math.min(expiresMs, earliest.get(label) ?? Infinity))
    }
    return [...earliest].map(([name, expiresMs]) => ({ labels: { listener, name }, value: expiresMs / 1000 }))
  })
}

/** Adds the last counts of instances that were there at the scrape before, and only at that one. */
function departingEjections(): (stats: ControlReadings) => EjectionReading[] {
  let before: readonly EjectionReading[] = []
  return ({ ejections }) => {
    const current = new Set(ejections.map(seriesKey))
    const departed = before.filter((ejection) => !current.has(seriesKey(ejection)))
    before = ejections
    return [...ejections, ...departed]
  }
}

function seriesKey({ service, instance, reason }: EjectionReading): string {
  return [service, instance, reason].join('\0')
}

function linesDropped(input: MetricsInput): number {
  let dropped = input.logLinesDropped()
  for (const { values } of input.series.read('tidegate_log_dropped_total')) dropped += values[0] ?? 0
  return dropped
}
