import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { HttpClient } from '../support/http-client.ts'
import { startInstances } from '../support/instance.ts'
import { registerAll } from '../support/registration.ts'

let consul: Consul

beforeAll(async () => {
  consul = await startConsul()
})

afterAll(async () => consul.stop())

async function stage(service: string, settings: NonNullable<ConfigInput['services']>[string]) {
  const instances = await startInstances(service, 3)
  await registerAll(consul.api, service, instances)
  const gateway = await startTestGateway({
    config: {
      workers: 2,
      discovery: { consul: { type: 'consul', address: consul.address } },
      services: { [service]: settings },
      routes: [{ path: '/', service }],
    },
    threadEntry: new URL('../support/throwing-thread.ts', import.meta.url),
  })
  onTestFinished(async () => {
    await gateway.close()
    await Promise.all(instances.map((instance) => instance.close()))
  })
  const ids = instances.map(({ id }) => id)
  await gateway.servedBy(service, '/', ids)
  return { gateway, instances, ids }
}

/** Clients whose connections stand with the one thread and the other by turns: `perThread` with each. */
async function clientsOf(gateway: TestGateway, perThread: number): Promise<readonly HttpClient[]> {
  const clients = new Map<string | null, HttpClient[]>()
  while (clients.size < 2 || [...clients.values()].some(({ length }) => length < perThread)) {
    const client = new HttpClient(gateway.port())
    onTestFinished(() => client.close())
    const { thread } = await client.get('/')
    const known = clients.get(thread)
    if (known === undefined) clients.set(thread, [client])
    else if (known.length < perThread) known.push(client)
  }
  const [ones = [], others = []] = clients.values()
  return ones.flatMap((client, i) => [client, others[i] as HttpClient])
}

/** A data thread answers before it counts: this asks until all is counted. */
async function nothingInFlight(gateway: TestGateway, service: string): Promise<void> {
  while (gateway.endpoints(service).some(({ inflight }) => inflight !== 0)) await gateway.admin('/livez')
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

describe('two data threads', () => {
  it('share requests as if they were one: least-request is exact across them', async () => {
    const { gateway, instances } = await stage('shared', { balancer: 'least-request' })
    const clients = await clientsOf(gateway, 6)
    for (const instance of instances) instance.mode = 'gated'
    const before = instances.map(({ requests }) => requests)
    const answers: Promise<unknown>[] = []
    for (const client of clients) {
      const next = Promise.race(instances.map((instance) => instance.received(instance.requests + 1)))
      answers.push(client.post('/'))
      await next
      const inflight = instances.map(({ held }) => held)
      expect(Math.max(...inflight) - Math.min(...inflight)).toBeLessThanOrEqual(1)
    }
    expect(instances.map(({ requests }, index) => requests - (before[index] ?? 0))).toEqual([4, 4, 4])
    expect(gateway.endpoints('shared').map(({ inflight }) => inflight)).toEqual([4, 4, 4])
    for (const instance of instances) instance.release()
    await Promise.all(answers)
    await nothingInFlight(gateway, 'shared')
  })

  it('share evidence: what one sees eject, the other does not try', async () => {
    const { gateway, instances } = await stage('judged', { outlier: { consecutiveFailures: 4, baseEjection: '5m' } })
    const [bad] = instances
    const [one, other] = (await clientsOf(gateway, 1)) as [HttpClient, HttpClient]
    bad.mode = 'error'
    while (gateway.endpoint('judged', bad.id)?.state !== 'ejected') await one.get('/')
    const received = bad.requests
    for (let i = 0; i < 30; i++) expect((await other.get('/')).status).toBe(200)
    expect(bad.requests).toBe(received)
    await gateway.log.line('ejected')
    expect(await gateway.timeline('ejected')).toHaveLength(1)
  })
})

describe('a data thread that throws', () => {
  it('is replaced while the other serves on, and what it had in flight is taken back', async () => {
    const { gateway, instances, ids } = await stage('shaken', {})
    const clients = await clientsOf(gateway, 3)
    for (const instance of instances) instance.mode = 'gated'
    const arrived = sum(instances.map(({ requests }) => requests)) + 6
    const outcomes = clients.map(async (client) =>
      client.post('/').then(
        ({ thread }) => thread,
        () => 'lost',
      ),
    )
    while (sum(instances.map(({ requests }) => requests)) < arrived) {
      await Promise.race(instances.map((instance) => instance.received(instance.requests + 1)))
    }
    expect(sum(gateway.endpoints('shaken').map(({ inflight }) => inflight))).toBe(6)

    const channel = new BroadcastChannel('throw-in-thread')
    channel.postMessage(0)
    channel.close()
    await gateway.log.line('worker-replaced')
    expect(sum(gateway.endpoints('shaken').map(({ inflight }) => inflight))).toBe(3)
    for (const instance of instances) {
      instance.mode = 'ok'
      instance.release()
    }
    const ended = await Promise.all(outcomes)
    expect(ended.filter((thread) => thread === 'lost')).toHaveLength(3)
    const [survivor] = new Set(ended.filter((thread) => thread !== 'lost'))
    await nothingInFlight(gateway, 'shaken')

    // New connections get to the survivor and to the replacement, which knows everything at once.
    const threads = new Set<string | null>()
    while (threads.size < 2) {
      const client = new HttpClient(gateway.port())
      const { status, thread } = await client.get('/')
      client.close()
      expect(status).toBe(200)
      threads.add(thread)
    }
    expect([...threads]).toContain(survivor)
    await gateway.servedBy('shaken', '/', ids)

    expect(await gateway.timeline('worker-replaced')).toMatchObject([
      { service: null, cause: expect.stringContaining('thrown because a test asked for it') as string },
    ])
    const { text } = await gateway.admin('/metrics')
    expect(text).toMatch(/^tidegate_worker_restarts_total 1$/m)
    expect(text).toMatch(/^tidegate_workers 2$/m)
  })
})
