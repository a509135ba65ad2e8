import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Consul, startConsul } from '../support/consul.ts'
import { startTestGateway } from '../support/gateway.ts'
import { HttpClient, type HttpAnswer, tally } from '../support/http-client.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { register, registerAll } from '../support/registration.ts'

let consul: Consul
let instances: [Instance, ...Instance[]]

beforeAll(async () => {
  consul = await startConsul()
  instances = await startInstances('user-service', 3)
  await registerAll(consul.api, 'user-service', instances)
})

afterAll(async () => {
  await consul.stop()
  await Promise.all(instances.map((instance) => instance.close()))
})

async function gatewayFor(
  service: string,
  ids: readonly string[],
  settings: { workers?: number; balancer?: string } = {},
) {
  const { workers = 0, balancer = 'round-robin' } = settings
  const gateway = await startTestGateway({
    config: {
      workers,
      discovery: { consul: { type: 'consul', address: consul.address } },
      defaults: { service: { balancer: balancer as 'round-robin' } },
      routes: [{ path: '/', service }],
    },
  })
  onTestFinished(async () => gateway.close())
  await gateway.servedBy(service, '/', ids)
  return gateway
}

async function sequential(client: HttpClient, count: number): Promise<HttpAnswer[]> {
  const answers: HttpAnswer[] = []
  while (answers.length < count) answers.push(await client.get('/'))
  return answers
}

function spread(counts: Readonly<Record<string, number>>): number {
  return Math.max(...Object.values(counts)) - Math.min(...Object.values(counts))
}

describe('round-robin', () => {
  it('spreads 3000 sequential requests over three instances to within one', async () => {
    const gateway = await gatewayFor(
      'user-service',
      instances.map(({ id }) => id),
    )
    const counts = tally(await sequential(gateway.client, 3000))
    expect(Object.keys(counts).toSorted()).toEqual(instances.map(({ id }) => id))
    expect(spread(counts)).toBeLessThanOrEqual(1)
  })

  it('does so in each of two data threads', async () => {
    const gateway = await gatewayFor(
      'user-service',
      instances.map(({ id }) => id),
      { workers: 2 },
    )
    const seen = new Set<string | null>()
    // The system gives each connection to one of the threads; which one, the answers tell.
    while (seen.size < 2) {
      const client = new HttpClient(gateway.port())
      onTestFinished(() => client.close())
      const [first] = await sequential(client, 1)
      if (seen.has(first?.thread ?? null)) continue
      seen.add(first?.thread ?? null)
      const answers = await sequential(client, 1500)
      expect(new Set(answers.map(({ thread }) => thread))).toEqual(new Set([first?.thread]))
      const counts = tally(answers)
      expect(Object.keys(counts).toSorted()).toEqual(instances.map(({ id }) => id))
      expect(spread(counts)).toBeLessThanOrEqual(1)
    }
  })

  it('honours weights of 3 to 1, and a change of them', async () => {
    const [light, heavy] = (await startInstances('weighted', 2)) as [Instance, Instance]
    onTestFinished(async () => {
      await Promise.all([light.close(), heavy.close()])
    })
    await register(consul.api, { service: 'weighted', instance: light, weight: 1 })
    await register(consul.api, { service: 'weighted', instance: heavy, weight: 3 })
    const gateway = await gatewayFor('weighted', [light.id, heavy.id])
    expect(tally(await sequential(gateway.client, 400))).toEqual({ [light.id]: 100, [heavy.id]: 300 })

    await register(consul.api, { service: 'weighted', instance: light, weight: 3 })
    let latest: Record<string, number> = {}
    while (latest[light.id] !== 20) latest = tally(await sequential(gateway.client, 40))
    expect(tally(await sequential(gateway.client, 400))).toEqual({ [light.id]: 200, [heavy.id]: 200 })
  })
})

describe('least-request', () => {
  it('sends a slow instance less', async () => {
    const [slow] = instances
    const gateway = await gatewayFor(
      'user-service',
      instances.map(({ id }) => id),
      { balancer: 'least-request' },
    )
    const before = slow.requests
    slow.mode = 'gated'
    const total = 600
    let sent = 0
    const run = async () => {
      const client = new HttpClient(gateway.port())
      while (sent < total) {
        sent++
        expect((await client.get('/')).status).toBe(200)
        // It answers one request while the others together answer twenty.
        if (sent % 20 === 0) slow.release(1)
      }
      slow.mode = 'ok'
      slow.release()
      client.close()
    }
    await Promise.all(Array.from({ length: 6 }, run))
    const share = (slow.requests - before) / total
    expect(share).toBeGreaterThan(0)
    expect(share).toBeLessThan(1 / 9)
  })
})
