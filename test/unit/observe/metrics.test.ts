import { beforeEach, describe, expect, test } from 'vitest'
import { durationBuckets, RouteMeter, ThreadMeter, WorkerMeter } from '../../../src/core/meter.ts'
import { SeriesWriter } from '../../../src/core/series.ts'
import { families } from '../../../src/observe/families.ts'
import type { ControlReadings } from '../../../src/observe/metrics-input.ts'
import { createMetrics } from '../../../src/observe/metrics.ts'
import { SeriesStore } from '../../../src/observe/series-store.ts'
import { parseTextFormat } from './text-format.ts'

const odd = 'a"b\\c\nd'

let stats: ControlReadings
let store: SeriesStore
let thread: SeriesWriter
let scrape: ReturnType<typeof createMetrics>

beforeEach(() => {
  stats = { endpoints: [], inflight: [], load: [], ejections: [], disagreements: [], discovery: [], lists: [] }
  store = new SeriesStore([], (_, ids) => ids.forEach((id) => thread.release(id)))
  thread = new SeriesWriter(
    (series) => store.announced(0, series),
    (retirement) => store.retired(0, retirement),
  )
  scrape = createMetrics({
    series: store,
    names: () => ({
      routes: [{ id: '/api', service: 'users' }],
      services: [{ name: 'users' }],
      listeners: [{ name: 'edge', tls: null }],
    }),
    stats: () => stats,
    reloads: () => ({ applied: 4, rejected: 1 }),
    workers: () => ({
      running: [
        { column: 0, utilization: 0.25 },
        { column: 2, utilization: 1 },
      ],
      restarts: 1,
    }),
    logLinesDropped: () => 5,
  })
})

async function parsed() {
  return parseTextFormat((await scrape()).body)
}

async function samples(family: string) {
  return (await parsed()).get(family)?.samples ?? []
}

describe('metrics', () => {
  test('prints every family with HELP and TYPE before anything was counted', async () => {
    const exposition = await parsed()
    const expected = families.map(({ name, help, type }) => ({ name, help, type }))
    const printed = expected.map(({ name }) => {
      const found = exposition.get(name)
      return { name, help: found?.help, type: found?.type }
    })
    expect(printed).toEqual(expected)
  })

  test('says which version of the text format it prints', async () => {
    expect((await scrape()).contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  test("prints Node's own metrics into the same text", async () => {
    const exposition = await parsed()
    expect(exposition.get('process_cpu_seconds_total')?.samples).toHaveLength(1)
    expect(exposition.get('nodejs_eventloop_lag_p99_seconds')?.type).toBe('gauge')
  })

  test('escapes label values so that a strict reader gets them back', async () => {
    new RouteMeter(thread, odd, 'users').settled('GET', 200, 0.001)
    expect(await samples('tidegate_requests_total')).toEqual([
      {
        name: 'tidegate_requests_total',
        labels: { route: odd, service: 'users', method: 'GET', code: '200' },
        value: 1,
      },
    ])
  })

  test('counts an unknown method as OTHER', async () => {
    new RouteMeter(thread, '/api', 'users').settled('BREW', 404, 0.001)
    expect((await samples('tidegate_requests_total'))[0]?.labels).toMatchObject({ method: 'OTHER', code: '404' })
  })

  test('assembles a histogram whose buckets add up and whose +Inf is its count', async () => {
    const meter = new RouteMeter(thread, '/api', 'users')
    for (const seconds of [0.0004, 0.0005, 0.003, 29, 31]) meter.settled('GET', 200, seconds)
    const found = await samples('tidegate_request_duration_seconds')
    const buckets = found.filter(({ name }) => name.endsWith('_bucket'))
    expect(buckets.map(({ labels }) => labels.le)).toEqual([...durationBuckets.map(String), '+Inf'])
    expect(buckets.map(({ value }) => value)).toEqual([2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5])
    expect(found.find(({ name }) => name.endsWith('_count'))?.value).toBe(5)
    expect(found.find(({ name }) => name.endsWith('_sum'))?.value).toBeCloseTo(60.0039)
  })

  test('tells the event loops of data threads apart, and keeps what a thread of before was late', async () => {
    new WorkerMeter(thread, 1).beatLate(0.3)
    store.threadGone(0)
    new WorkerMeter(thread, 1).beatLate(0.4)
    new WorkerMeter(thread, 2).beatLate(0)
    const found = await samples('tidegate_worker_event_loop_delay_seconds')
    const counts = found.filter(({ name }) => name.endsWith('_count'))
    expect(counts.map(({ labels, value }) => [labels.worker, value])).toEqual([
      ['1', 2],
      ['2', 1],
    ])
    expect(found.filter(({ name }) => name.endsWith('_sum')).map(({ value }) => value)).toEqual([0.7, 0])
  })

  test("prints the control plane's counts", async () => {
    const instance = 'consul/n/a@10.0.0.1:80'
    stats = {
      endpoints: [
        { service: 'users', state: 'eligible', count: 2 },
        { service: 'users', state: 'ejected', count: 0 },
      ],
      load: [],
      inflight: [{ service: 'users', instance, inflight: 3 }],
      ejections: [{ service: 'users', instance, reason: 'connect', count: 4 }],
      disagreements: [{ service: 'users', registry: 'passing', count: 1 }],
      discovery: [
        {
          source: 'consul',
          service: 'users',
          ageSeconds: 1.5,
          updates: { changed: 3, same: 2, error: 1 },
          skipped: 5,
        },
      ],
      lists: [{ service: 'users', count: 4 }],
    }
    const exposition = await parsed()
    const flat = (family: string) => exposition.get(family)?.samples.map(({ labels, value }) => ({ ...labels, value }))
    expect(flat('tidegate_endpoints')).toEqual([
      { service: 'users', state: 'eligible', value: 2 },
      { service: 'users', state: 'ejected', value: 0 },
    ])
    expect(flat('tidegate_endpoint_inflight')).toEqual([{ service: 'users', instance, value: 3 }])
    expect(flat('tidegate_ejections_total')).toEqual([{ service: 'users', instance, reason: 'connect', value: 4 }])
    expect(flat('tidegate_health_disagreements')).toEqual([{ service: 'users', registry: 'passing', value: 1 }])
    expect(flat('tidegate_discovery_age_seconds')).toEqual([{ source: 'consul', service: 'users', value: 1.5 }])
    expect(flat('tidegate_discovery_updates_total')).toEqual([
      { source: 'consul', service: 'users', outcome: 'changed', value: 3 },
      { source: 'consul', service: 'users', outcome: 'same', value: 2 },
      { source: 'consul', service: 'users', outcome: 'error', value: 1 },
    ])
    expect(flat('tidegate_service_lists_total')).toEqual([{ service: 'users', value: 4 }])
    expect(flat('tidegate_config_reloads_total')).toEqual([
      { outcome: 'applied', value: 4 },
      { outcome: 'rejected', value: 1 },
    ])
    expect(flat('tidegate_workers')).toEqual([{ value: 2 }])
    expect(flat('tidegate_worker_restarts_total')).toEqual([{ value: 1 }])
    expect(flat('tidegate_worker_utilization')).toEqual([
      { worker: '0', value: 0.25 },
      { worker: '2', value: 1 },
    ])
  })

  test('shows the ejections of a departed instance once more, and again when it is back', async () => {
    const counts: number[] = []
    const here = { ...stats, ejections: [{ service: 'users', instance: 'a', reason: 'connect', count: 2 } as const] }
    for (const each of [here, stats, stats, stats, here]) {
      stats = each
      counts.push((await samples('tidegate_ejections_total')).length)
    }
    expect(counts).toEqual([1, 1, 0, 0, 1])
  })

  test('adds the log lines that data threads dropped to its own', async () => {
    const cells = thread.allot('tidegate_log_dropped_total', {}, 1)
    cells.values[cells.offset] = 7
    expect((await samples('tidegate_log_dropped_total')).map(({ value }) => value)).toEqual([12])
  })

  test('shows a departed route once more', async () => {
    const meter = new RouteMeter(thread, '/api', 'users')
    meter.settled('GET', 200, 0.001)
    meter.retire()
    expect(await samples('tidegate_requests_total')).toHaveLength(1)
    expect(await samples('tidegate_requests_total')).toHaveLength(0)
  })

  test('leaves what departs while a scrape is being written to the next one', async () => {
    const meter = new RouteMeter(thread, '/api', 'users')
    meter.settled('GET', 200, 0.001)
    const running = scrape()
    meter.retire()
    expect((await running).body).toContain('tidegate_requests_total{')
    expect(await samples('tidegate_requests_total')).toHaveLength(1)
  })

  test("keeps a dead thread's counts of what is still configured and lets the rest go", async () => {
    new RouteMeter(thread, '/api', 'users').settled('GET', 200, 0.001)
    new RouteMeter(thread, '/old', 'users').settled('GET', 200, 0.001)
    new ThreadMeter(thread).failed('no-route')
    store.threadGone(0)
    await scrape()
    await scrape()
    const exposition = await parsed()
    const routes = exposition.get('tidegate_requests_total')?.samples.map(({ labels }) => labels.route)
    expect(routes).toEqual(['/api'])
    expect(exposition.get('tidegate_errors_total')?.samples).toHaveLength(1)
  })
})
