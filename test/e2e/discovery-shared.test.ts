import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { consul } from '../../src/discovery/consul/source.ts'
import type { Discovery } from '../../src/discovery/contract.ts'
import { seededRandom } from '../../src/util/random.ts'
import { startConsul, type Consul } from '../support/consul.ts'
import { observeHttp, type HttpTraffic } from '../support/http-traffic.ts'
import { watch, type Watching } from '../support/watching.ts'

const names = Array.from({ length: 125 }, (_, number) => `service-${number}`)

// Two queries, eight reads at once.
const handful = 10

describe('one source with more services than an agent allows connections', () => {
  let registry: Consul
  let traffic: HttpTraffic
  let discovery: Discovery
  const watching = new Map<string, Watching>()

  async function register(service: string, port: number): Promise<void> {
    const path = '/v1/agent/service/register?replace-existing-checks=true'
    const check = { CheckID: `check:${service}`, TTL: '10m', Status: 'passing' }
    await registry.api('PUT', path, { Name: service, ID: service, Address: '10.0.0.1', Port: port, Check: check })
  }

  async function untilPort(service: string, port: number): Promise<unknown> {
    return watching.get(service)?.until(({ instances }) => instances[0]?.port === port)
  }

  async function follow(services: readonly string[]): Promise<void> {
    for (const service of services) watching.set(service, watch(discovery, service))
    await Promise.all(services.map(async (service) => untilPort(service, 8000)))
  }

  beforeAll(async () => {
    registry = await startConsul()
    traffic = observeHttp(registry.port)
    const options = {
      name: 'consul',
      type: 'consul',
      address: registry.address,
      token: null,
      datacenter: null,
      datacenters: null,
      routesFromTags: null,
      tls: null,
    } as const
    discovery = consul(options, { random: seededRandom(1), onSkipped: () => {} })
    for (const name of names) await register(name, 8000)
  })

  afterAll(async () => {
    await discovery.close()
    traffic.stop()
    await registry.stop()
  })

  it('asks for each by itself while they are few, after one request for more that Consul passes over', async () => {
    await follow(names.slice(0, 90))
    const own = names.slice(0, 90).map((name) => `/v1/health/service/${name}`)
    expect(new Set(traffic.paths)).toEqual(new Set(['/v1/status/leader', ...own]))
    expect(traffic.paths.filter((path) => path === '/v1/status/leader')).toHaveLength(1)
    await register('service-7', 8001)
    await untilPort('service-7', 8001)
  })

  it('shares two queries when they are many, on a handful of connections', async () => {
    await follow(names.slice(90))
    expect(traffic.paths).toEqual(expect.arrayContaining(['/v1/health/state/any', '/v1/catalog/services']))
    await traffic.untilOpenSockets(handful)
    const before = traffic.paths.length
    await register('service-7', 8002)
    await untilPort('service-7', 8002)
    await register('service-124', 8002)
    await untilPort('service-124', 8002)
    expect(traffic.paths.length).toBeGreaterThan(before)
    expect(traffic.openSockets).toBeLessThanOrEqual(handful)
  })

  it('loses no change that comes while it goes from one to the other', async () => {
    const added = names.slice(90)
    await Promise.all(added.map(async (name) => watching.get(name)?.stop()))
    await register('service-8', 8003)
    await untilPort('service-8', 8003)
    for (let round = 0; round < 3; round++) {
      const port = 8100 + round
      const more = names.slice(90).map((name) => watch(discovery, name))
      const changed = Promise.all([register('service-9', port), register('service-10', port)])
      await Promise.all(more.map(async (each) => each.next()))
      await changed
      await Promise.all([untilPort('service-9', port), untilPort('service-10', port)])
      const again = Promise.all([register('service-9', port + 10), register('service-10', port + 10)])
      await Promise.all(more.map(async (each) => each.stop()))
      await again
      const seen = await Promise.all([untilPort('service-9', port + 10), untilPort('service-10', port + 10)])
      expect(seen).toMatchObject([{ instances: [{ port: port + 10 }] }, { instances: [{ port: port + 10 }] }])
    }
  })
})
