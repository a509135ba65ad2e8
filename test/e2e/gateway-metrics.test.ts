import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { families } from '../../src/observe/families.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { HttpClient } from '../support/http-client.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { deregister, registerAll } from '../support/registration.ts'
import { type ParsedFamily, parseTextFormat } from '../unit/observe/text-format.ts'

const service = 'user-service'
const ok = 120
const withoutRoute = 7
const withoutEndpoint = 5
const posts = 3

let consul: Consul
let instances: [Instance, ...Instance[]]
let gateway: TestGateway

beforeAll(async () => {
  consul = await startConsul()
  instances = await startInstances(service, 3)
  await registerAll(consul.api, service, instances)
  gateway = await startTestGateway({
    config: {
      workers: 2,
      discovery: { consul: { type: 'consul', address: consul.address } },
      routes: [
        { path: '/users', service },
        { path: '/empty', service: 'never-registered' },
      ],
    },
  })
  await gateway.eligible(
    service,
    instances.map(({ id }) => id),
  )
})

afterAll(async () => {
  await gateway.close()
  await consul.stop()
  await Promise.all(instances.map((instance) => instance.close()))
})

type Labels = Readonly<Record<string, string>>

/** One reading of `/metrics`. */
class Reading {
  readonly families: Map<string, ParsedFamily>

  constructor(text: string) {
    this.families = parseTextFormat(text)
  }

  /** The sum over all series that carry these labels. */
  sum(name: string, labels: Labels = {}): number {
    return this.samples(name, labels).reduce((sum, { value }) => sum + value, 0)
  }

  samples(name: string, labels: Labels = {}) {
    const family = this.families.get(name.replace(/_(?:count|sum|bucket)$/, '')) ?? this.families.get(name)
    const isWanted = (sample: ParsedFamily['samples'][number]) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
    return family?.samples.filter(isWanted) ?? []
  }
}

/** Name and labels of each series of ours. */
function seriesOf(reading: Reading): string[] {
  const ours = [...reading.families].filter(([name]) => name.startsWith('tidegate_'))
  return ours.flatMap(([, { samples }]) => samples.map(({ name, labels }) => name + JSON.stringify(labels)))
}

async function read(): Promise<Reading> {
  return new Reading((await gateway.admin('/metrics')).text)
}

/** Counting comes after answering, in another thread: reads until that many requests are counted. */
async function readAt(requests: number): Promise<Reading> {
  for (;;) {
    const reading = await read()
    if (
      reading.sum('tidegate_requests_total') + reading.sum('tidegate_errors_total', { failure: 'no-route' }) >=
      requests
    )
      return reading
  }
}

describe('/metrics of a gateway under traffic', () => {
  it('prints every family with HELP and TYPE before any request', async () => {
    const reading = await read()
    for (const { name, type, help } of families) {
      expect({ name, ...reading.families.get(name) }).toMatchObject({ name, type, help })
    }
    expect([...reading.families.keys()]).toEqual(
      expect.arrayContaining(['process_cpu_user_seconds_total', 'nodejs_eventloop_lag_seconds']),
    )
    expect(reading.sum('tidegate_endpoints', { service, state: 'eligible' })).toBe(3)
    expect(reading.sum('tidegate_requests_total')).toBe(0)
  })

  it('counts each request once, whichever thread served it', async () => {
    // Several connections, so that both threads get some.
    const clients = Array.from({ length: 6 }, () => new HttpClient(gateway.port()))
    await Promise.all(
      clients.map(async (client) => {
        for (let i = 0; i < ok / clients.length; i++)
          await client.get(`/users/${i}?secret=${i}`, { host: `h${i}.example` })
        client.close()
      }),
    )
    for (let i = 0; i < withoutRoute; i++) await gateway.client.get(`/nowhere/${i}`)
    for (let i = 0; i < withoutEndpoint; i++) await gateway.client.get('/empty')
    for (let i = 0; i < posts; i++) await gateway.client.post('/users')

    const reading = await readAt(ok + withoutRoute + withoutEndpoint + posts)
    const total = (labels: Labels) => reading.sum('tidegate_requests_total', labels)
    expect(total({ service, method: 'GET', code: '200' })).toBe(ok)
    expect(total({ service, method: 'POST', code: '200' })).toBe(posts)
    expect(total({ service: 'never-registered', code: '503' })).toBe(withoutEndpoint)
    expect(reading.sum('tidegate_errors_total', { failure: 'no-route' })).toBe(withoutRoute)
    expect(reading.sum('tidegate_errors_total', { failure: 'no-endpoint' })).toBe(withoutEndpoint)

    const received = instances.map(({ requests }) => requests)
    expect(received.reduce((sum, count) => sum + count, 0)).toBe(ok + posts)
    for (const [index, { id, port }] of instances.entries()) {
      const instance = `consul/consul-under-test/${id}@127.0.0.1:${port}`
      expect(reading.sum('tidegate_upstream_requests_total', { service, instance, outcome: '2xx' })).toBe(
        received[index],
      )
    }
    expect(reading.sum('tidegate_upstream_requests_total')).toBe(ok + posts)
    expect(reading.sum('tidegate_request_duration_seconds_count', { service })).toBe(ok + posts)
    expect(reading.sum('tidegate_request_duration_seconds_bucket', { service, le: '+Inf' })).toBe(ok + posts)
    expect(reading.sum('tidegate_upstream_duration_seconds_count', { service })).toBe(ok + posts)
    expect(reading.sum('tidegate_endpoint_inflight')).toBe(0)
    expect(reading.sum('tidegate_workers')).toBe(2)
    expect(reading.sum('tidegate_worker_restarts_total')).toBe(0)
    expect(reading.sum('tidegate_discovery_age_seconds')).toBe(0)
    expect(reading.sum('tidegate_discovery_updates_total', { service, outcome: 'changed' })).toBeGreaterThan(0)
  })

  it('takes no label value from a request', async () => {
    const before = await read()
    const odd = ['/users/a"b', '/users/%0a', '/new/path', '/users?x={y="z"}']
    for (const path of odd) await gateway.client.get(path, { host: 'other.example', 'x-request-id': 'odd-1' })
    const after = await readAt(ok + withoutRoute + withoutEndpoint + posts + odd.length)
    const appeared = new Set(seriesOf(after))
    for (const series of seriesOf(before)) appeared.delete(series)
    // A status that had not been sent before is the only news there may be.
    for (const series of appeared) expect(series).toMatch(/"code":"\d{3}"|"failure":"[a-z-]+"/)
    expect(JSON.stringify(seriesOf(after))).not.toMatch(/example|nowhere|secret|odd-1|new.path/)
  })

  it('forgets the series of an instance that left', async () => {
    const [gone] = instances
    const name = 'tidegate_upstream_requests_total'
    const instance = `consul/consul-under-test/${gone.id}@127.0.0.1:${gone.port}`
    await deregister(consul.api, gone)
    await gateway.log.line('removed')
    const removedBy = async () => (await read()).samples(name, { instance }).length === 0
    let readings = 0
    while (!(await removedBy())) expect(++readings).toBeLessThan(1000)
    expect((await read()).samples(name).length).toBeGreaterThan(0)
  })
})
