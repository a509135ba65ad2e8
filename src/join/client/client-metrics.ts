import { families, type FamilyName } from '../../observe/families.ts'
import { createFamilyMetrics, type Exposition } from '../../observe/metrics.ts'
import type { MetricsInput } from '../../observe/metrics-input.ts'
import { SeriesStore } from '../../observe/series-store.ts'

/** Of the gateway's families, those that say something of a client: what it asked of whom, and how that went. */
const clientFamilies: readonly FamilyName[] = [
  'tidegate_upstream_requests_total',
  'tidegate_upstream_duration_seconds',
  'tidegate_endpoints',
  'tidegate_endpoint_inflight',
  'tidegate_ejections_total',
  'tidegate_retries_total',
  'tidegate_discovery_age_seconds',
  'tidegate_discovery_updates_total',
]

const gauges = families.filter(({ type }) => type === 'gauge').map(({ name }) => name)

export function createSeriesStore(release: (ids: readonly number[]) => void): SeriesStore {
  return new SeriesStore(gauges, (_, ids) => release(ids))
}

/** One scrape per call, in Prometheus' text format. */
export function createClientMetrics(
  service: string,
  series: SeriesStore,
  stats: MetricsInput['stats'],
): () => Promise<Exposition> {
  const input: MetricsInput = {
    series,
    stats,
    names: () => ({ routes: [{ id: service, service }], services: [{ name: service }], listeners: [] }),
    reloads: () => ({ applied: 0, rejected: 0 }),
    workers: () => ({ running: [], restarts: 0 }),
    logLinesDropped: () => 0,
  }
  return createFamilyMetrics(input, clientFamilies)
}
