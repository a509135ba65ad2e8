import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { RouteRule } from '../../src/core/route.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { consulApi } from '../support/consul-api.ts'
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../support/gateway.ts'
import { type Instance, startInstances } from '../support/instance.ts'

let consul: Consul

type Registry = Pick<Consul, 'address' | 'api'>

beforeAll(async () => {
  consul = await startConsul()
})

afterAll(async () => consul.stop())

async function gatewayWith(config: Partial<TestGatewayOptions['config']> & object = {}, at: Registry = consul) {
  const gateway = await startTestGateway({
    config: {
      discovery: { consul: { type: 'consul', address: at.address, routesFromTags: 'urlprefix-' } },
      routes: [],
      ...config,
    },
  })
  onTestFinished(async () => gateway.close())
  return gateway
}

async function instancesOf(service: string, count: number, at: Registry = consul) {
  const instances = await startInstances(service, count)
  onTestFinished(async () => {
    for (const { id } of instances) await at.api('PUT', `/v1/agent/service/deregister/${id}`).catch(() => {})
    await Promise.all(instances.map((instance) => instance.close()))
  })
  return instances as [Instance, Instance]
}

async function tag(
  service: string,
  { id, port }: Instance,
  tags: readonly string[],
  at: Registry = consul,
): Promise<void> {
  const body = { ID: id, Name: service, Address: '127.0.0.1', Port: port, Tags: tags }
  const { status, text } = await at.api('PUT', '/v1/agent/service/register?replace-existing-checks=true', body)
  expect({ status, text }).toEqual({ status: 200, text: '' })
}

/** Resolves once the routes in force are these, by id with the service of each. */
async function routed(gateway: TestGateway, wanted: Readonly<Record<string, string>>): Promise<void> {
  await gateway.log.until(`routes ${JSON.stringify(wanted)}`, async () => {
    const { routes } = await gateway.adminJson<{ routes: RouteRule[] }>('/api/v1/routes')
    const seen = Object.fromEntries(routes.map(({ id, service }) => [id, service]))
    return JSON.stringify(seen) === JSON.stringify(wanted)
  })
}

async function skipped(gateway: TestGateway, text: string): Promise<string> {
  return gateway.log.until(`a skipped tag: ${text}`, async () => {
    const decisions = await gateway.timeline('route-skipped')
    return decisions.find(({ cause }) => cause.includes(text))?.cause
  })
}

describe('a tag of Fabio', () => {
  it('routes a service that the configuration does not know, until its last instance has left', async () => {
    const gateway = await gatewayWith()
    const [first, second] = await instancesOf('tagged', 2)
    await tag('tagged', first, ['urlprefix-/tagged strip=/tagged'])
    await routed(gateway, { '/tagged': 'tagged' })
    await gateway.servedBy('tagged', '/tagged/x', [first.id])
    expect((await gateway.client.get('/tagged/x')).body).toBe(`${first.id} /x`)

    await tag('tagged', second, ['urlprefix-/tagged strip=/tagged'])
    await gateway.servedBy('tagged', '/tagged', [first.id, second.id])

    for (const { id } of [first, second]) await consul.api('PUT', `/v1/agent/service/deregister/${id}`)
    await routed(gateway, {})
    expect((await gateway.client.get('/tagged')).status).toBe(404)
    const story = await gateway.timeline('route-added', 'route-removed')
    expect(story.map(({ type, service }) => `${type} ${service}`)).toEqual([
      'route-added tagged',
      'route-removed tagged',
    ])
  })

  it('is 503, not 404, while the service is listed and nobody is well', async () => {
    const gateway = await gatewayWith()
    const [only] = await instancesOf('ailing', 1)
    await tag('ailing', only, ['urlprefix-/ailing'])
    await gateway.servedBy('ailing', '/ailing', [only.id])
    await consul.api('PUT', `/v1/agent/service/maintenance/${only.id}?enable=true`)
    await gateway.servedBy('ailing', '/ailing', [])
    expect((await gateway.client.get('/ailing')).status).toBe(503)
  })

  it('goes away with the tag, and comes with a new one, while the instance stays', async () => {
    const gateway = await gatewayWith()
    const [only] = await instancesOf('moving', 1)
    await tag('moving', only, ['urlprefix-/old'])
    await routed(gateway, { '/old': 'moving' })
    await tag('moving', only, ['urlprefix-/new', 'blue'])
    await routed(gateway, { '/new': 'moving' })
    await tag('moving', only, ['blue'])
    await routed(gateway, {})
    expect((await gateway.client.get('/new')).status).toBe(404)
  })

  it('leads only to the instances that have it', async () => {
    const gateway = await gatewayWith()
    const [first, second] = await instancesOf('parted', 2)
    await tag('parted', first, ['urlprefix-/both', 'urlprefix-/new'])
    await tag('parted', second, ['urlprefix-/both'])
    await routed(gateway, { '/both': 'parted', '/new': 'parted /new' })
    await gateway.servedBy('parted', '/both', [first.id, second.id])
    await gateway.servedBy('parted /new', '/new', [first.id])

    await tag('parted', second, ['urlprefix-/both', 'urlprefix-/new'])
    await routed(gateway, { '/both': 'parted', '/new': 'parted' })
    await gateway.servedBy('parted', '/new', [first.id, second.id])
    expect(await gateway.timeline('route-skipped')).toEqual([])
  })

  it('gives an instance the share of the traffic that it asks for', async () => {
    const gateway = await gatewayWith()
    const [first, second] = await instancesOf('shared', 2)
    await tag('shared', first, ['urlprefix-/shared weight=0.25'])
    await tag('shared', second, ['urlprefix-/shared'])
    await routed(gateway, { '/shared': 'shared /shared' })
    await gateway.eligible('shared /shared', [first.id, second.id])
    const counts = new Map<string | null, number>()
    for (let i = 0; i < 40; i++) {
      const { instance } = await gateway.client.get('/shared')
      counts.set(instance, (counts.get(instance) ?? 0) + 1)
    }
    expect([counts.get(first.id), counts.get(second.id)]).toEqual([10, 30])
  })

  it('matches hosts, exact ones before wildcards, and knows the datacenter', async () => {
    const gateway = await gatewayWith()
    const [first, second] = await instancesOf('hosted', 2)
    await tag('hosted', first, ['urlprefix-*.Example.com/'])
    await tag('other-hosted', second, ['urlprefix-$DC.example.com/'])
    await routed(gateway, { '*.example.com/': 'hosted', 'dc1.example.com/': 'other-hosted' })
    const explained = async (host: string) =>
      gateway.adminJson<object>(`/api/v1/explain?url=${encodeURIComponent(`http://${host}/x`)}`)
    expect(await explained('a.example.com')).toMatchObject({
      service: 'hosted',
      origin: 'tag "urlprefix-*.Example.com/" of hosted in consul',
    })
    expect(await explained('dc1.example.com')).toMatchObject({ service: 'other-hosted' })
  })

  it('that is bad harms only itself, and is named with the reason', async () => {
    const gateway = await gatewayWith({ routes: [{ path: '/declared', service: 'declared' }] })
    const [first, second] = await instancesOf('odd', 2)
    await tag('odd', first, ['urlprefix-/safe auth=basic', 'urlprefix-:3306 proto=tcp', 'urlprefix-/good'])
    await tag('odder', second, ['urlprefix-/good', 'urlprefix-/declared'])
    await routed(gateway, { '/declared': 'declared', '/good': 'odd' })
    await gateway.servedBy('odd', '/good', [first.id])
    expect((await gateway.client.get('/safe')).status).toBe(404)
    expect(await skipped(gateway, 'auth')).toBe(
      'tag "urlprefix-/safe auth=basic" of odd in consul is no route: the option "auth=basic" can\'t be honoured',
    )
    await skipped(gateway, 'proto=tcp')
    expect(await skipped(gateway, '"urlprefix-/good" of odder')).toContain('a tag of odd takes the same requests')
    expect(await skipped(gateway, '/declared')).toContain('a route of the configuration takes the same requests')
    const { text } = await gateway.admin('/metrics')
    expect(text).toContain('tidegate_discovery_skipped_total{source="consul",service="odd"} 2')
    expect(text).toContain('tidegate_discovery_skipped_total{source="consul",service="odder"} 0')
  })

  it('takes no request from a declared route, be it longer or for one host only', async () => {
    const gateway = await gatewayWith({
      routes: [
        { path: '/pay', service: 'pay' },
        { path: '/', service: 'web' },
      ],
    })
    const [instance] = await instancesOf('taker', 1)
    await tag('taker', instance, ['urlprefix-/pay/back', 'urlprefix-shop.example.com/', 'urlprefix-/users'])
    expect(await skipped(gateway, '"urlprefix-/pay/back"')).toContain(
      'the declared route /pay takes all of its requests',
    )
    await gateway.servedBy('taker', '/users', [instance.id])
    const goesTo = async (url: string) =>
      (await gateway.adminJson<{ service: string }>(`/api/v1/explain?url=${encodeURIComponent(url)}`)).service
    expect(await goesTo('http://shop.example.com/pay/back')).toBe('pay')
    expect(await goesTo('http://shop.example.com/')).toBe('taker')
    expect(await goesTo('http://x.example.com/else')).toBe('web')
    const declared = await gateway.client.get('/pay/back', { host: 'shop.example.com' })
    expect(declared).toMatchObject({ status: 503, headers: { 'x-tidegate-error': 'no-endpoint' } })
    expect(await gateway.client.get('/', { host: 'shop.example.com' })).toMatchObject({ instance: instance.id })
  })

  it('turns clients away, and sends them elsewhere', async () => {
    const gateway = await gatewayWith()
    const [only] = await instancesOf('gated', 1)
    const tags = ['/in allow=ip:127.0.0.0/8', '/out deny=ip:127.0.0.1', '/far redirect=301,https://far.test$path']
    await tag(
      'gated',
      only,
      tags.map((text) => `urlprefix-${text}`),
    )
    await routed(gateway, { '/far': 'gated', '/in': 'gated', '/out': 'gated' })
    await gateway.servedBy('gated', '/in', [only.id])
    const refused = await gateway.client.get('/out')
    expect([refused.status, refused.headers['x-tidegate-error']]).toEqual([403, 'forbidden'])
    const sent = await gateway.client.get('/far/a?b=c')
    expect([sent.status, sent.headers.location]).toEqual([301, 'https://far.test/far/a?b=c'])
  })

  it('takes the settings that the configuration has for its service, and stays over a reload', async () => {
    const services = { set: { balancer: 'least-request' as const } }
    const gateway = await gatewayWith({ services })
    const [only] = await instancesOf('set', 1)
    await tag('set', only, ['urlprefix-/set'])
    await routed(gateway, { '/set': 'set' })
    expect(await gateway.adminJson('/api/v1/services/set')).toMatchObject({ balancer: 'least-request' })
    const discovery = { consul: { type: 'consul' as const, address: consul.address, routesFromTags: 'urlprefix-' } }
    await gateway.reconfigure({ discovery, services, routes: [{ path: '/set', service: 'elsewhere' }] })
    await routed(gateway, { '/set': 'elsewhere' })
    await gateway.reconfigure({ discovery, services, routes: [] })
    await routed(gateway, { '/set': 'set' })
    await gateway.servedBy('set', '/set', [only.id])
  })
})

describe('routes from tags', () => {
  it('are those of the embedded registry, too', async () => {
    const registry = createRegistry({ port: 0 })
    const { address } = await registry.start()
    onTestFinished(async () => registry.close())
    const at = { address, api: consulApi(address) }
    const gateway = await gatewayWith({}, at)
    const [only] = await instancesOf('embedded', 1, at)
    await tag('embedded', only, ['urlprefix-/embedded'], at)
    await routed(gateway, { '/embedded': 'embedded' })
    await at.api('PUT', `/v1/agent/service/deregister/${only.id}`)
    await routed(gateway, {})
    expect((await gateway.client.get('/embedded')).status).toBe(404)
  })

  it('outlive the registry, a registry that comes back empty, and a start while it is down', async () => {
    let own = await startConsul()
    onTestFinished(async () => own.stop())
    const [only] = await instancesOf('lasting', 1, own)
    await tag('lasting', only, ['urlprefix-/lasting'], own)
    const stateDir = await mkdtemp(join(tmpdir(), 'tidegate-state-'))
    onTestFinished(async () => rm(stateDir, { recursive: true, force: true }))

    const gateway = await gatewayWith({ stateDir }, own)
    await gateway.servedBy('lasting', '/lasting', [only.id])
    await own.kill()
    await gateway.log.line('source-lost')
    expect((await gateway.client.get('/lasting')).instance).toBe(only.id)

    own = await startConsul({ httpPort: own.port })
    await gateway.log.line('held')
    expect((await gateway.client.get('/lasting')).instance).toBe(only.id)
    await own.kill()
    await gateway.close()

    const next = await gatewayWith({ stateDir }, own)
    await routed(next, { '/lasting': 'lasting' })
    expect((await next.client.get('/lasting')).instance).toBe(only.id)
  })
})
