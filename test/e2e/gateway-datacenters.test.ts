import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Consul, startConsul } from '../support/consul.ts'
import { startTestGateway } from '../support/gateway.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { deregister, register, setCheck } from '../support/registration.ts'

let near: Consul
let far: Consul

beforeAll(async () => {
  ;[near, far] = await Promise.all([
    startConsul({ config: { datacenter: 'near' } }),
    startConsul({ config: { datacenter: 'far' } }),
  ])
  const self = await far.api<{ DebugConfig: { SerfPortWAN: number } }>('GET', '/v1/agent/self')
  await near.api('PUT', `/v1/agent/join/127.0.0.1:${self.json?.DebugConfig.SerfPortWAN}?wan=1`)
  // Each call fails at once until the two have found each other.
  for (let known = 0; known !== 200;) known = (await near.api('GET', '/v1/catalog/nodes?dc=far')).status
})

afterAll(async () => Promise.all([near.stop(), far.stop()]))

async function stage(service: string, count: number): Promise<readonly [Instance[], Instance[]]> {
  const instances = await startInstances(service, 2 * count)
  onTestFinished(async () => {
    await Promise.all(instances.map((instance) => instance.close()))
  })
  const halves = [instances.slice(0, count), instances.slice(count)] as const
  for (const [at, half] of [
    [near, halves[0]],
    [far, halves[1]],
  ] as const) {
    for (const instance of half) {
      await register(at.api, { service, instance, checks: ['ttl'] })
      await setCheck(at.api, instance, 'pass')
    }
  }
  return halves
}

async function gatewayFor(service: string, source: object = {}) {
  const gateway = await startTestGateway({
    config: {
      discovery: { consul: { type: 'consul', address: near.address, datacenters: ['near', 'far'], ...source } },
      routes: [{ path: '/', service }],
    },
  })
  onTestFinished(async () => gateway.close())
  return gateway
}

const idsOf = (instances: readonly Instance[]) => instances.map(({ id }) => id)

describe('a source of two datacenters', () => {
  it('uses the nearer one, the other while the nearer has none, and goes back', async () => {
    const [[first], [other]] = (await stage('two', 1)) as [[Instance], [Instance]]
    const gateway = await gatewayFor('two')
    await gateway.eligible('two', [first.id, other.id])
    await gateway.answeredBy('/', [first.id])
    expect(gateway.endpoint('two', other.id)?.reason).toMatch(/in reserve/)
    expect(gateway.endpoint('two', other.id)?.id).toContain('/consul-under-test.far/')

    await setCheck(near.api, first, 'fail')
    await gateway.eligible('two', [other.id])
    await gateway.answeredBy('/', [other.id])
    await setCheck(near.api, first, 'pass')
    await gateway.eligible('two', [first.id, other.id])
    await gateway.answeredBy('/', [first.id])
  })

  it('uses the other one, too, while what is seen of the nearer is worse than what its registry says', async () => {
    const [[first, second], others] = (await stage('refusing', 2)) as [[Instance, Instance], Instance[]]
    const gateway = await gatewayFor('refusing')
    await gateway.eligible('refusing', idsOf([first, second, ...others]))
    await gateway.answeredBy('/', [first.id, second.id])
    await Promise.all([first.close(), second.close()])
    await gateway.answeredBy('/', idsOf(others))
    expect(gateway.endpoint('refusing', first.id)).toMatchObject({ registry: 'passing', state: 'ejected' })
  })

  it('is followed on where it can be, when one of the two is unknown', async () => {
    const [[first]] = (await stage('one-known', 1)) as [[Instance], [Instance]]
    const gateway = await gatewayFor('one-known', { datacenters: ['nowhere', 'near'] })
    await gateway.answeredBy('/', [first.id])
    const { cause } = await gateway.log.line('skipped')
    expect(cause).toMatch(/^consul has datacenter nowhere, which is left out: .*its last list stays/)
    const [late] = (await startInstances('late', 1)) as [Instance]
    onTestFinished(async () => late.close())
    await register(near.api, { service: 'one-known', instance: late })
    await gateway.answeredBy('/', [first.id, late.id])
    await deregister(near.api, first)
    await gateway.answeredBy('/', [late.id])
  })
})

describe('a service with a preferred zone', () => {
  it('uses instances of that zone, and of others while too few of it are well', async () => {
    const instances = (await startInstances('zoned', 3)) as [Instance, Instance, Instance]
    onTestFinished(async () => {
      await Promise.all(instances.map((instance) => instance.close()))
    })
    for (const [index, { id, port }] of instances.entries()) {
      const body = { ID: id, Name: 'zoned', Address: '127.0.0.1', Port: port, Meta: { zone: index < 2 ? 'a' : 'b' } }
      await near.api('PUT', '/v1/agent/service/register?replace-existing-checks=true', body)
    }
    const gateway = await startTestGateway({
      config: {
        discovery: { consul: { type: 'consul', address: near.address } },
        services: { zoned: { zone: { prefer: 'a' } } },
        routes: [{ path: '/', service: 'zoned' }],
      },
    })
    onTestFinished(async () => gateway.close())
    const [first, second, other] = idsOf(instances) as [string, string, string]
    await gateway.eligible('zoned', [first, second, other])
    await gateway.answeredBy('/', [first, second])
    await near.api('PUT', `/v1/agent/service/maintenance/${first}?enable=true`)
    await gateway.eligible('zoned', [second, other])
    await gateway.answeredBy('/', [second, other])
    expect(gateway.endpoint('zoned', other)?.reason).not.toMatch(/in reserve/)
  })
})
