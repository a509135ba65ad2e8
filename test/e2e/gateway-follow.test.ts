import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Consul, startConsul } from '../support/consul.ts'
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../support/gateway.ts'
import { Instance, startInstances } from '../support/instance.ts'
import { deregister, register, registerAll, setCheck, setMaintenance } from '../support/registration.ts'

let consul: Consul

beforeAll(async () => {
  consul = await startConsul()
})

afterAll(async () => consul.stop())

async function gatewayWith(config: Partial<TestGatewayOptions['config']> & object): Promise<TestGateway> {
  const gateway = await startTestGateway({
    config: { discovery: { consul: { type: 'consul', address: consul.address } }, routes: [], ...config },
  })
  onTestFinished(async () => gateway.close())
  return gateway
}

async function instancesOf(service: string, count: number): Promise<[Instance, ...Instance[]]> {
  const instances = await startInstances(service, count)
  onTestFinished(async () => {
    await Promise.all(instances.map((instance) => instance.close()))
  })
  return instances
}

describe('a service with HTTP checks', () => {
  it('gets requests when its check turns passing, and none once it turns critical', async () => {
    const [first, second] = (await instancesOf('http-checked', 2)) as [Instance, Instance]
    second.isHealthy = false
    const gateway = await gatewayWith({ routes: [{ path: '/', service: 'http-checked' }] })
    for (const instance of [first, second]) {
      await register(consul.api, { service: 'http-checked', instance, checks: ['http'] })
    }
    await gateway.servedBy('http-checked', '/', [first.id])

    second.isHealthy = true
    await gateway.servedBy('http-checked', '/', [first.id, second.id])

    first.isHealthy = false
    await gateway.servedBy('http-checked', '/', [second.id])
    expect(gateway.endpoint('http-checked', first.id)).toMatchObject({
      registry: 'critical',
      state: 'unhealthy',
      reason: 'the registry says critical',
    })
  })
})

describe('a registered instance', () => {
  it('is out while its check is critical, and back when it passes again', async () => {
    const [first, second] = (await instancesOf('ttl-checked', 2)) as [Instance, Instance]
    const gateway = await gatewayWith({ routes: [{ path: '/', service: 'ttl-checked' }] })
    for (const instance of [first, second]) {
      await register(consul.api, { service: 'ttl-checked', instance, checks: ['ttl'] })
      await setCheck(consul.api, instance, 'pass')
    }
    await gateway.servedBy('ttl-checked', '/', [first.id, second.id])
    await setCheck(consul.api, first, 'fail')
    await gateway.servedBy('ttl-checked', '/', [second.id])
    await setCheck(consul.api, first, 'warn')
    await gateway.servedBy('ttl-checked', '/', [first.id, second.id])
    expect(gateway.endpoint('ttl-checked', first.id)?.registry).toBe('warning')
  })

  it('gets no new requests in maintenance, while those it has are answered', async () => {
    const [first, second] = (await instancesOf('maintained', 2)) as [Instance, Instance]
    const gateway = await gatewayWith({ routes: [{ path: '/', service: 'maintained' }] })
    await registerAll(consul.api, 'maintained', [first])
    await gateway.servedBy('maintained', '/', [first.id])
    first.mode = 'gated'
    const before = first.requests
    const underWay = gateway.client.get('/long')
    await first.received(before + 1)
    await registerAll(consul.api, 'maintained', [second])
    await setMaintenance(consul.api, first, true)
    await gateway.eligible('maintained', [second.id])
    expect(gateway.endpoint('maintained', first.id)).toMatchObject({ registry: 'maintenance', state: 'draining' })
    first.release()
    expect(await underWay).toMatchObject({ status: 200, instance: first.id })
    await gateway.servedBy('maintained', '/', [second.id])

    first.mode = 'ok'
    await setMaintenance(consul.api, first, false)
    await gateway.servedBy('maintained', '/', [first.id, second.id])
  })

  it('is gone when it is deregistered, down to the last, and its service then has no endpoint', async () => {
    const [first, second] = (await instancesOf('leaving', 2)) as [Instance, Instance]
    const gateway = await gatewayWith({ routes: [{ path: '/', service: 'leaving' }] })
    await registerAll(consul.api, 'leaving', [first, second])
    await gateway.servedBy('leaving', '/', [first.id, second.id])
    await deregister(consul.api, first)
    await gateway.servedBy('leaving', '/', [second.id])
    await deregister(consul.api, second)
    await gateway.servedBy('leaving', '/', [])
    expect(gateway.endpoints('leaving')).toEqual([])
    expect(await gateway.client.get('/')).toMatchObject({ status: 503, instance: null })
    const said = await gateway.timeline('added', 'removed')
    expect(said.map(({ type, cause }) => `${type}: ${cause}`)).toEqual([
      'added: the registry lists it, passing',
      'added: the registry lists it, passing',
      'removed: the registry no longer lists it',
      'removed: the registry no longer lists it',
    ])
  })
})

describe('a gateway with two sources', () => {
  it('routes each service to the instances of its own source', async () => {
    const [registered] = await instancesOf('from-consul', 1)
    const [written] = await instancesOf('from-file', 1)
    await registerAll(consul.api, 'from-consul', [registered])
    const gateway = await gatewayWith({
      discovery: {
        consul: { type: 'consul', address: consul.address },
        local: { type: 'static', services: { 'from-consul': [`127.0.0.1:${written.port}`] } },
      },
      services: { 'from-file': { from: 'local', name: 'from-consul' } },
      routes: [
        { path: '/consul', service: 'from-consul' },
        { path: '/file', service: 'from-file' },
      ],
    })
    await gateway.eligible('from-consul', [registered.id])
    expect(gateway.endpoint('from-consul', registered.id)?.id).toBe(
      `consul/consul-under-test/${registered.id}@127.0.0.1:${registered.port}`,
    )
    await gateway.log.until('the written instance', () => gateway.endpoints('from-file').length === 1)
    const answers = [await gateway.client.get('/consul'), await gateway.client.get('/file')]
    expect(answers.map(({ instance }) => instance)).toEqual([registered.id, written.id])
  })
})

describe('what the gateway answers itself', () => {
  it('is a problem document: 404 where no route matches, 503 where the service has no instance', async () => {
    const gateway = await gatewayWith({ routes: [{ path: '/empty', service: 'never-registered' }] })
    await gateway.ready()
    const noRoute = await gateway.client.get('/elsewhere', { 'x-request-id': 'asked-1' })
    expect(noRoute).toMatchObject({
      status: 404,
      headers: {
        'content-type': 'application/problem+json',
        'x-tidegate-error': 'no-route',
        'x-request-id': 'asked-1',
      },
    })
    expect(JSON.parse(noRoute.body)).toMatchObject({ status: 404, type: 'urn:tidegate:failure:no-route' })
    const noEndpoint = await gateway.client.get('/empty/x')
    expect(noEndpoint).toMatchObject({
      status: 503,
      headers: {
        'content-type': 'application/problem+json',
        'x-tidegate-error': 'no-endpoint',
        'retry-after': '1',
      },
    })
    expect(JSON.parse(noEndpoint.body)).toMatchObject({ status: 503, type: 'urn:tidegate:failure:no-endpoint' })
  })
})
