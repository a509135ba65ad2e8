import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { freePorts } from '../support/free-ports.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { tally } from '../support/http-client.ts'
import { startInstanceProcess } from '../support/instance-process.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { register, setCheck } from '../support/registration.ts'

let consul: Consul

beforeAll(async () => {
  consul = await startConsul()
})

afterAll(async () => consul.stop())

type ServiceSettings = NonNullable<ConfigInput['services']>[string]
const healthCheck = { path: '/health', interval: '100ms', timeout: '2s', unhealthyAfter: 2 }

function configFor(service: string, settings: ServiceSettings): Pick<ConfigInput, 'routes'> & Partial<ConfigInput> {
  return {
    discovery: { consul: { type: 'consul', address: consul.address } },
    services: { [service]: settings },
    routes: [{ path: '/', service }],
  }
}

async function serve(service: string, settings: ServiceSettings): Promise<TestGateway> {
  const gateway = await startTestGateway({ config: configFor(service, settings) })
  onTestFinished(async () => gateway.close())
  return gateway
}

/** Instances that Consul never checks itself: passing from the start, whatever they do. */
async function uncheckedInstances(service: string, count: number): Promise<[Instance, ...Instance[]]> {
  const instances = await startInstances(service, count)
  onTestFinished(async () => {
    await Promise.all(instances.map((instance) => instance.close()))
  })
  for (const instance of instances) await register(consul.api, { service, instance })
  return instances
}

async function disagreements(gateway: TestGateway): Promise<string[]> {
  const { text } = await gateway.admin('/metrics')
  return text.split('\n').filter((line) => line.startsWith('tidegate_health_disagreements{') && line.endsWith(' 1'))
}

describe('an instance whose health check', () => {
  it('answers 503 leaves without a failed request, and comes back when it answers 200', async () => {
    const [bad, good] = (await uncheckedInstances('sick', 2)) as [Instance, Instance]
    const gateway = await serve('sick', { healthCheck })
    await gateway.servedBy('sick', '/', [bad.id, good.id])
    bad.isHealthy = false
    await gateway.servedBy('sick', '/', [good.id])
    expect(gateway.endpoint('sick', bad.id)).toMatchObject({
      registry: 'passing',
      state: 'unhealthy',
      reason: 'its health check fails: it answered 503',
      healthCheck: 'failing',
      failures: 0,
    })
    expect((await gateway.admin('/metrics')).text).toContain('tidegate_endpoints{service="sick",state="unhealthy"} 1')
    bad.isHealthy = true
    await gateway.servedBy('sick', '/', [bad.id, good.id])
    const story = await gateway.timeline('unhealthy', 'restored')
    expect(story.map(({ type, cause }) => `${type}: ${cause}`)).toEqual([
      'unhealthy: its health check failed 2 times in a row: it answered 503; the registry says passing',
      'restored: its health check passed 2 times in a row',
    ])
  })

  it('is refused leaves before any request has met it', async () => {
    const [bad, good] = (await uncheckedInstances('refusing-checks', 2)) as [Instance, Instance]
    await bad.refuse()
    const gateway = await serve('refusing-checks', { healthCheck })
    await gateway.servedBy('refusing-checks', '/', [good.id])
    expect(gateway.endpoint('refusing-checks', bad.id)).toMatchObject({ state: 'unhealthy', requests: 0 })
    await bad.accept()
    await gateway.servedBy('refusing-checks', '/', [bad.id, good.id])
  })

  it('fails everywhere does not leave the service without endpoints: panic', async () => {
    const instances = await uncheckedInstances('all-sick', 2)
    const ids = instances.map(({ id }) => id)
    const gateway = await serve('all-sick', { healthCheck })
    await gateway.servedBy('all-sick', '/', ids)
    for (const instance of instances) instance.isHealthy = false
    await gateway.eligible('all-sick', [])
    expect(await gateway.adminJson('/api/v1/services/all-sick')).toMatchObject({ panic: true })
    const answers = [await gateway.client.get('/')]
    // The data plane hears of it a moment later than the control plane.
    while (Object.keys(tally(answers.slice(-10))).length < 2) answers.push(await gateway.client.get('/'))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  })
})

describe('an instance that stands still, as a process of its own', () => {
  it('leaves by its health check, without a request that had to find out, and comes back', async () => {
    const pair = await Promise.all([startInstanceProcess('still-1'), startInstanceProcess('still-2')])
    onTestFinished(async () => {
      await Promise.all(pair.map(async (member) => member.kill()))
    })
    const [bad, good] = pair
    for (const { id, port } of pair) {
      await consul.api('PUT', '/v1/agent/service/register', { ID: id, Name: 'still', Address: '127.0.0.1', Port: port })
    }
    const gateway = await serve('still', { healthCheck: { ...healthCheck, timeout: '1s' } })
    await gateway.servedBy('still', '/', [bad.id, good.id])
    bad.pause()
    await gateway.servedBy('still', '/', [good.id])
    expect(gateway.endpoint('still', bad.id)).toMatchObject({
      registry: 'passing',
      state: 'unhealthy',
      reason: 'its health check fails: no answer within 1000 ms',
      failures: 0,
    })
    bad.resume()
    await gateway.servedBy('still', '/', [bad.id, good.id])
  })
})

describe('a Consul that comes back empty', () => {
  it('is believed about an instance that still accepts connections and fails its health check', async () => {
    const [port = 0] = await freePorts(1)
    const before = await startConsul({ httpPort: port })
    onTestFinished(async () => before.kill())
    const [sick, well] = (await startInstances('forgotten', 2)) as [Instance, Instance]
    for (const instance of [sick, well]) await register(before.api, { service: 'forgotten', instance })
    const gateway = await startTestGateway({
      config: {
        ...configFor('forgotten', { healthCheck: { path: '/health', interval: '1h' } }),
        discovery: { consul: { type: 'consul', address: before.address } },
      },
    })
    onTestFinished(async () => {
      await gateway.close()
      await Promise.all([sick.close(), well.close()])
    })
    await gateway.servedBy('forgotten', '/', [sick.id, well.id])
    await before.kill()
    await gateway.log.line('source-lost')
    sick.isHealthy = false
    const after = await startConsul({ httpPort: port })
    onTestFinished(async () => after.kill())
    await gateway.log.line('released')
    await gateway.servedBy('forgotten', '/', [well.id])
    expect(gateway.endpoint('forgotten', well.id)?.registry).toBe('held')
    const [held] = await gateway.timeline('held')
    expect(held?.cause).toContain('kept while its health check passes')
    const released = await gateway.timeline('released')
    expect(released.map(({ cause }) => cause)).toEqual(['its health check fails: it answered 503'])
  })
})

describe('a disagreement with Consul', () => {
  it('is told and counted when Consul says passing and the check fails', async () => {
    const [bad, good] = (await uncheckedInstances('disputed', 2)) as [Instance, Instance]
    const gateway = await serve('disputed', { healthCheck })
    await gateway.servedBy('disputed', '/', [bad.id, good.id])
    await bad.refuse()
    await gateway.log.line('disagreement')
    expect(await disagreements(gateway)).toEqual([
      'tidegate_health_disagreements{service="disputed",registry="passing"} 1',
    ])
    await bad.accept()
    await gateway.log.line('agreement')
    expect(await disagreements(gateway)).toEqual([])
    const told = await gateway.timeline('disagreement', 'agreement')
    expect(told.map(({ type, cause }) => `${type}: ${cause}`)).toEqual([
      'disagreement: the registry says passing; its health check fails: it refused a connection',
      'agreement: no longer; the registry says passing',
    ])
  })

  it('is told when Consul says critical and the check passes; Consul has its way', async () => {
    const [bad, good] = (await startInstances('condemned', 2)) as [Instance, Instance]
    onTestFinished(async () => {
      await Promise.all([bad.close(), good.close()])
    })
    for (const instance of [bad, good]) {
      await register(consul.api, { service: 'condemned', instance, checks: ['ttl'] })
      await setCheck(consul.api, instance, 'pass')
    }
    const gateway = await serve('condemned', { healthCheck })
    await gateway.servedBy('condemned', '/', [bad.id, good.id])
    await setCheck(consul.api, bad, 'fail')
    await gateway.log.line('disagreement')
    await gateway.servedBy('condemned', '/', [good.id])
    expect(gateway.endpoint('condemned', bad.id)).toMatchObject({
      registry: 'critical',
      state: 'unhealthy',
      reason: 'the registry says critical',
      healthCheck: 'passing',
    })
    expect(await disagreements(gateway)).toEqual([
      'tidegate_health_disagreements{service="condemned",registry="critical"} 1',
    ])
    await setCheck(consul.api, bad, 'pass')
    await gateway.servedBy('condemned', '/', [bad.id, good.id])
    await gateway.log.line('agreement')
  })
})
