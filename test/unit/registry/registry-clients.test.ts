import { once } from 'node:events'
import Consul from 'consul'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRegistry, type Registry } from '../../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../../support/consul-api.ts'

describe('the registry under the consul package', () => {
  let registry: Registry
  let consul: Consul
  let api: ConsulApi

  beforeEach(async () => {
    registry = createRegistry({ port: 0, nodeName: 'desk' })
    const { address } = await registry.start()
    consul = new Consul({ host: '127.0.0.1', port: Number(new URL(address).port) })
    api = consulApi(address)
  })

  afterEach(async () => {
    consul.destroy()
    await registry.close()
  })

  it('registers, heartbeats, finds and deregisters a service', async () => {
    await consul.agent.service.register({
      id: 'web-1',
      name: 'web',
      address: '10.0.0.1',
      port: 80,
      check: { name: 'heartbeat', ttl: '1m', timeout: '5s' },
    })
    expect(await consul.health.service({ service: 'web', passing: true })).toEqual([])
    await consul.agent.check.pass('service:web-1')
    expect(await consul.health.service({ service: 'web', passing: true })).toMatchObject([
      {
        Node: { Node: 'desk' },
        Service: { ID: 'web-1', Address: '10.0.0.1', Port: 80 },
        Checks: [{ CheckID: 'serfHealth' }, { Status: 'passing' }],
      },
    ])
    await consul.agent.service.maintenance({ id: 'web-1', enable: true, reason: 'upgrade' })
    expect(await consul.health.state('critical')).toMatchObject([
      { CheckID: '_service_maintenance:web-1', Notes: 'upgrade' },
    ])
    await consul.agent.service.deregister('web-1')
    expect(Object.keys(await consul.catalog.service.list())).toEqual(['consul'])
  })

  it('tells a watch of each change', async () => {
    const watch = consul.watch({
      method: consul.health.service.bind(consul.health),
      options: { service: 'web', wait: '30s' },
    })
    const counts: number[] = []
    for (const change of [
      async () => {},
      async () => consul.agent.service.register({ id: 'web-1', name: 'web', port: 80 }),
      async () => consul.agent.service.register({ id: 'web-2', name: 'web', port: 81 }),
      async () => consul.agent.service.deregister('web-1'),
      async () => consul.agent.service.deregister('web-2'),
    ]) {
      const changed = once(watch, 'change')
      await change()
      const [instances] = await changed
      counts.push(instances.length)
    }
    watch.end()
    expect(counts).toEqual([0, 1, 2, 1, 0])
  })

  it('shows itself as a Consul server', async () => {
    expect(await consul.agent.self()).toMatchObject({ Config: { NodeName: 'desk', Datacenter: 'dc1', Server: true } })
    expect(await consul.catalog.datacenters()).toEqual(['dc1'])
    expect(await consul.catalog.node.list()).toMatchObject([{ Node: 'desk', Address: '127.0.0.1' }])
    expect(await consul.status.leader()).toBe('127.0.0.1:8300')
    expect(await consul.status.peers()).toEqual(['127.0.0.1:8300'])
  })

  it.each([
    ['/v1/agent/check/pass/gone', 'Unknown check ID "gone". Ensure that the check ID is passed, not the check name.'],
    [
      '/v1/agent/check/deregister/gone',
      'Unknown check ID "gone". Ensure that the check ID is passed, not the check name.',
    ],
    [
      '/v1/agent/service/deregister/gone',
      'Unknown service ID "gone". Ensure that the service ID is passed, not the service name.',
    ],
    [
      '/v1/agent/service/maintenance/gone?enable=true',
      'Unknown service ID "gone". Ensure that the service ID is passed, not the service name.',
    ],
  ])('answers %s for what is not there as a current Consul does', async (path, text) => {
    const answer = await api('PUT', path)
    expect([answer.status, answer.text]).toEqual([404, text])
  })

  it('tells the watchers of a name that its service now goes by another', async () => {
    await api('PUT', '/v1/agent/service/register', { ID: 'one', Name: 'old', Check: { TTL: '1m' } })
    const index = (await api('GET', '/v1/health/service/old')).headers.get('x-consul-index')
    const waiting = api('GET', `/v1/health/service/old?index=${index}&wait=30s`)
    await api('PUT', '/v1/agent/service/register', { ID: 'one', Name: 'new' })
    expect((await waiting).json).toEqual([])
    expect((await api<unknown[]>('GET', '/v1/health/service/new')).json).toHaveLength(1)
  })

  it('lets a service be watched by its hash', async () => {
    await api('PUT', '/v1/agent/service/register', { Name: 'web', Port: 80 })
    const hash = (await api('GET', '/v1/agent/service/web')).headers.get('x-consul-contenthash')
    const waiting = api('GET', `/v1/agent/service/web?hash=${hash}&wait=30s`)
    await api('PUT', '/v1/agent/service/register', { Name: 'other' })
    await api('PUT', '/v1/agent/service/register', { Name: 'web', Port: 81 })
    expect((await waiting).json).toMatchObject({ Port: 81 })
  })
})
