import type { ControlFamilyName } from './families.ts'
import type { DiscoveryReading, EndpointState, MetricsInput } from './metrics-input.ts'
import type { Sample } from './raw-family.ts'

const states: readonly EndpointState[] = ['eligible', 'ejected', 'unhealthy', 'draining']
const noLabels = {}

/** The families whose values the control plane counts, each read when it is scraped. */
export function controlSamples(input: MetricsInput): Record<ControlFamilyName, () => Iterable<Sample>> {
  const shownAfterLeaving = new Set<string>()
  return {
    tidegate_endpoints: () => endpointSamples(input),
    tidegate_endpoint_inflight: () =>
      map(input.endpoints(), ({ service, id, inflight }) => ({ labels: { service, instance: id }, value: inflight })),
    tidegate_ejections_total: () => ejectionSamples(input, shownAfterLeaving),
    tidegate_discovery_age_seconds: () =>
      map(input.discovery(), ({ source, service, ageSeconds }) => ({ labels: { source, service }, value: ageSeconds })),
    tidegate_discovery_updates_total: () => discoverySamples(input.discovery()),
    tidegate_config_reloads_total: () => {
      const { applied, rejected } = input.reloads()
      return [
        { labels: { outcome: 'applied' }, value: applied },
        { labels: { outcome: 'rejected' }, value: rejected },
      ]
    },
    tidegate_workers: () => [{ labels: noLabels, value: input.workers().running }],
    tidegate_worker_restarts_total: () => [{ labels: noLabels, value: input.workers().restarts }],
    tidegate_log_dropped_total: () => [{ labels: noLabels, value: linesDropped(input) }],
  }
}

/** Every state of every service, zeros included, so that a graph shows a state end. */
function* endpointSamples(input: MetricsInput): Generator<Sample> {
  const counts = new Map<string, Record<EndpointState, number>>()
  for (const { name } of input.names().services) counts.set(name, noEndpoints())
  for (const { service, state } of input.endpoints()) {
    let ofService = counts.get(service)
    if (ofService === undefined) counts.set(service, (ofService = noEndpoints()))
    ofService[state]++
  }
  for (const [service, ofService] of counts) {
    for (const state of states) yield { labels: { service, state }, value: ofService[state] }
  }
}

function noEndpoints(): Record<EndpointState, number> {
  return { eligible: 0, ejected: 0, unhealthy: 0, draining: 0 }
}

/** @param shownAfterLeaving departed instances that a scrape has already shown once more; kept between scrapes */
function* ejectionSamples(input: MetricsInput, shownAfterLeaving: Set<string>): Generator<Sample> {
  const current = new Set<string>()
  for (const { service, id } of input.endpoints()) current.add(`${service}\0${id}`)
  const before = new Set(shownAfterLeaving)
  shownAfterLeaving.clear()
  for (const { service, instance, reason, count } of input.ejections()) {
    const key = `${service}\0${instance}`
    if (!current.has(key)) {
      shownAfterLeaving.add(key)
      if (before.has(key)) continue
    }
    yield { labels: { service, instance, reason }, value: count }
  }
}

function* discoverySamples(readings: Iterable<DiscoveryReading>): Generator<Sample> {
  for (const { source, service, updates } of readings) {
    yield { labels: { source, service, outcome: 'changed' }, value: updates.changed }
    yield { labels: { source, service, outcome: 'same' }, value: updates.same }
    yield { labels: { source, service, outcome: 'error' }, value: updates.error }
  }
}

function linesDropped(input: MetricsInput): number {
  let dropped = input.logLinesDropped()
  for (const { values } of input.series.read('tidegate_log_dropped_total')) dropped += values[0] ?? 0
  return dropped
}

function* map<T>(values: Iterable<T>, sample: (value: T) => Sample): Generator<Sample> {
  for (const value of values) yield sample(value)
}
