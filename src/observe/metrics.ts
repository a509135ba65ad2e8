import { collectDefaultMetrics, Registry } from 'prom-client'
import { controlSamples } from './control-samples.ts'
import { families, type Family, type FamilyName } from './families.ts'
import { histogramSamples } from './histogram.ts'
import type { ControlReadings, MetricNames, MetricsInput } from './metrics-input.ts'
import { rawFamily, type Sample } from './raw-family.ts'
import type { Labels, SeriesStore } from './series-store.ts'

/** The text of one scrape. */
export interface Exposition {
  readonly contentType: string
  readonly body: string
}

/**
 * The gateway's metrics in Prometheus' text format, together with Node's own. Each call of the returned function is one
 * scrape: series of departed instances that it shows are gone from the next.
 *
 * Node's metrics are measured by observers that prom-client never takes down: call this once per gateway.
 */
export function createMetrics(input: MetricsInput): () => Promise<Exposition> {
  // A registry apart, so that those observers hold on to nothing of the gateway's.
  const processRegistry = new Registry()
  collectDefaultMetrics({ register: processRegistry })
  return createScrape(input, families, processRegistry)
}

/** The same of these families alone, for a process that has metrics of its own. */
export function createFamilyMetrics(input: MetricsInput, names: readonly FamilyName[]): () => Promise<Exposition> {
  const shown: readonly Family[] = families
  return createScrape(
    input,
    shown.filter(({ name }) => names.some((wanted) => wanted === name)),
    new Registry(),
  )
}

function createScrape(
  input: MetricsInput,
  shown: readonly Family[],
  processRegistry: Registry,
): () => Promise<Exposition> {
  const registry = new Registry()
  let stats: ControlReadings = {
    endpoints: [],
    inflight: [],
    load: [],
    ejections: [],
    disagreements: [],
    discovery: [],
    lists: [],
  }
  const control: Readonly<Record<string, () => readonly Sample[]>> = controlSamples(input, () => stats)
  for (const family of shown) {
    const samples = control[family.name] ?? (() => threadSamples(family, input.series))
    registry.registerMetric(rawFamily(family, samples))
  }
  const all = Registry.merge([registry, processRegistry])
  return async () => {
    stats = input.stats()
    // Every family is read before the first await, so what retires meanwhile is left to the next scrape.
    const body = all.metrics()
    input.series.scraped(currentLabels(input.names(), stats))
    return { contentType: all.contentType, body: await body }
  }
}

function* threadSamples(family: Family, series: SeriesStore): Generator<Sample> {
  for (const reading of series.read(family.name)) {
    if (family.type === 'histogram') yield* histogramSamples(family.name, reading)
    else yield { labels: reading.labels, value: reading.values[0] ?? 0 }
  }
}

/** Whether what labels name is still there; labels that name nothing of the configuration always are. */
function currentLabels(
  { routes, services, listeners }: MetricNames,
  { inflight }: ControlReadings,
): (labels: Labels) => boolean {
  const routeKeys = new Set(routes.map(({ id, service }) => joinKey(id, service)))
  const serviceNames = new Set(services.map(({ name }) => name))
  const listenerNames = new Set(listeners.map(({ name }) => name))
  const instances = new Set(inflight.map(({ service, instance }) => joinKey(service, instance)))
  return ({ route, service, instance, listener }) => {
    if (listener !== undefined) return listenerNames.has(listener)
    if (service === undefined) return true
    if (instance !== undefined) return instances.has(joinKey(service, instance))
    if (route !== undefined) return routeKeys.has(joinKey(route, service))
    return serviceNames.has(service)
  }
}

function joinKey(first: string, second: string): string {
  return `${first}\0${second}`
}
