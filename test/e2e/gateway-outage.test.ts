import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ConsulOptions, startConsul } from '../support/consul.ts'
import { freePorts } from '../support/free-ports.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { deregister, register, registerAll } from '../support/registration.ts'
import { Traffic } from '../support/traffic.ts'

const service = 'user-service'

/** Instances that take a while to answer, so that traffic without end leaves room for what else happens. */
async function threeInstances(): Promise<{ instances: readonly [Instance, ...Instance[]]; ids: string[] }> {
  const instances = await startInstances(service, 3, { latencyMs: 4 })
  onTestFinished(async () => {
    await Promise.all(instances.map((instance) => instance.close()))
  })
  return { instances, ids: instances.map(({ id }) => id) }
}

async function gatewayOn(consulPort: number, stateDir: string | null = null): Promise<TestGateway> {
  const gateway = await startTestGateway({
    config: {
      discovery: { consul: { type: 'consul', address: `http://127.0.0.1:${consulPort}` } },
      stateDir,
      routes: [{ path: '/', service }],
    },
  })
  onTestFinished(async () => gateway.close())
  return gateway
}

async function consulOn(httpPort: number, options: ConsulOptions = {}) {
  const consul = await startConsul({ ...options, httpPort })
  onTestFinished(async () => consul.kill())
  return consul
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-'))
  onTestFinished(async () => rm(directory, { recursive: true, force: true }))
  return directory
}

async function isolatedPort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

describe('a Consul that is killed and comes back empty', () => {
  it('costs no request, while it is gone, while the services register again, and when its list counts again', async () => {
    const port = await isolatedPort()
    const before = await consulOn(port)
    const { instances, ids } = await threeInstances()
    for (const instance of instances) await register(before.api, { service, instance, checks: ['http'] })
    const gateway = await gatewayOn(port)
    await gateway.servedBy(service, '/', ids)
    const traffic = new Traffic(gateway.port(), '/', 4)
    await traffic.more(100)

    await before.kill()
    await gateway.log.line('source-lost')
    await traffic.more(300)
    expect(gateway.endpoints(service).map(({ state, registry }) => `${state} ${registry}`)).toEqual(
      Array(3).fill('eligible passing'),
    )
    expect(await gateway.adminJson('/api/v1/services/user-service')).toMatchObject({ stale: true })

    const after = await consulOn(port)
    await gateway.log.line('source-back')
    await gateway.log.until('all held', () => gateway.endpoints(service).every(({ registry }) => registry === 'held'))
    await traffic.more(300)

    const [first, second, third] = instances as readonly [Instance, Instance, Instance]
    for (const instance of [first, second]) await register(after.api, { service, instance, checks: ['http'] })
    await gateway.log.until('two passing', () =>
      [first, second].every(({ id }) => gateway.endpoint(service, id)?.registry === 'passing'),
    )
    expect(gateway.endpoint(service, third.id)).toMatchObject({ registry: 'held', state: 'eligible' })
    await register(after.api, { service, instance: third, checks: ['http'] })
    await gateway.log.until('three passing', () => gateway.endpoint(service, third.id)?.registry === 'passing')

    await deregister(after.api, third)
    await gateway.servedBy(service, '/', [first.id, second.id])
    await traffic.more(100)
    const { requests, failed } = await traffic.stop()
    expect(failed).toEqual([])
    expect(requests).toBeGreaterThan(800)

    await gateway.log.line('removed')
    const story = await gateway.timeline('source-lost', 'source-back', 'held', 'released', 'removed')
    expect(story.map(({ type }) => type)).toEqual([
      'source-lost',
      'source-back',
      ...Array<string>(3).fill('held'),
      ...Array<string>(3).fill('released'),
      'removed',
    ])
    expect(story.find(({ type }) => type === 'held')?.cause).toContain('the registry lost its memory')
    expect(story.find(({ type }) => type === 'released')?.cause).toBe('the registry says passing')
  })

  it('keeps nothing that died meanwhile', async () => {
    const port = await isolatedPort()
    const before = await consulOn(port)
    const { instances, ids } = await threeInstances()
    const [dead, ...living] = instances
    await registerAll(before.api, service, instances)
    const gateway = await gatewayOn(port)
    await gateway.servedBy(service, '/', ids)
    await before.kill()
    await gateway.log.line('source-lost')
    await dead.refuse()
    await consulOn(port)
    await gateway.log.line('released')
    await gateway.servedBy(
      service,
      '/',
      living.map(({ id }) => id),
    )
    const [released] = await gateway.timeline('released')
    expect(released).toMatchObject({ cause: 'it refuses connections' })
    expect(released?.endpoint).toContain(dead.id)
  })
})

describe('a Consul that restarts with its catalog', () => {
  it('costs no request, though its checks begin anew', async () => {
    const port = await isolatedPort()
    const dataDir = await temporaryDirectory()
    const before = await consulOn(port, { dataDir })
    const { instances, ids } = await threeInstances()
    for (const instance of instances) await register(before.api, { service, instance, checks: ['http'] })
    const gateway = await gatewayOn(port)
    await gateway.servedBy(service, '/', ids)
    const traffic = new Traffic(gateway.port(), '/', 4)
    await before.stop()
    await gateway.log.line('source-lost')
    await traffic.more(100)
    const after = await consulOn(port, { dataDir })
    await gateway.log.line('source-back')
    await gateway.log.until('all passing', () =>
      gateway.endpoints(service).every(({ registry }) => registry === 'passing'),
    )
    await deregister(after.api, instances[0])
    await gateway.servedBy(service, '/', ids.slice(1))
    expect((await traffic.stop()).failed).toEqual([])
  })
})

describe('a Consul that hangs', () => {
  it('costs no request, and is followed when it goes on', async () => {
    const port = await isolatedPort()
    const consul = await consulOn(port)
    const { instances, ids } = await threeInstances()
    await registerAll(consul.api, service, instances)
    const gateway = await gatewayOn(port)
    await gateway.servedBy(service, '/', ids)
    const traffic = new Traffic(gateway.port(), '/', 4)
    consul.pause()
    await traffic.more(300)
    consul.resume()
    await deregister(consul.api, instances[0])
    await gateway.servedBy(service, '/', ids.slice(1))
    expect((await traffic.stop()).failed).toEqual([])
  })
})

describe('a gateway that starts while Consul is down', () => {
  it('serves what it knew last, and follows Consul once it is there', async () => {
    const port = await isolatedPort()
    const stateDir = await temporaryDirectory()
    const before = await consulOn(port)
    const { instances, ids } = await threeInstances()
    await registerAll(before.api, service, instances)
    const first = await gatewayOn(port, stateDir)
    await first.servedBy(service, '/', ids)
    await before.kill()
    await first.close()

    const second = await gatewayOn(port, stateDir)
    await second.ready()
    await second.servedBy(service, '/', ids)
    expect(await second.adminJson('/api/v1/services/user-service')).toMatchObject({ stale: true })

    const after = await consulOn(port)
    await second.log.line('source-back')
    await registerAll(after.api, service, instances.slice(1))
    await second.log.until('two passing', () =>
      instances.slice(1).every(({ id }) => second.endpoint(service, id)?.registry === 'passing'),
    )
    expect(second.endpoint(service, instances[0].id)?.registry).toBe('held')
    expect(await second.adminJson('/api/v1/services/user-service')).toMatchObject({ stale: false })
  })

  it('answers 503 when it knows nothing, is not ready, and serves as soon as Consul is there', async () => {
    const port = await isolatedPort()
    const gateway = await gatewayOn(port)
    await gateway.log.line('source-lost')
    expect(await gateway.client.get('/')).toMatchObject({ status: 503, headers: { 'x-tidegate-error': 'no-endpoint' } })
    expect((await gateway.admin('/livez')).status).toBe(200)
    const { status, text } = await gateway.admin('/readyz')
    expect(status).toBe(503)
    expect(JSON.parse(text)).toMatchObject({ missing: [service] })

    const { instances, ids } = await threeInstances()
    const consul = await consulOn(port)
    await registerAll(consul.api, service, instances)
    await gateway.servedBy(service, '/', ids)
    expect((await gateway.admin('/readyz')).status).toBe(200)
  })
})
