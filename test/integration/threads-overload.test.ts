import { describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { ServiceView } from '../../src/control/views.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { header } from '../support/http-message.ts'
import { Instance } from '../support/instance.ts'
import { RawClient } from '../support/raw-client.ts'
import { parseTextFormat } from '../unit/observe/text-format.ts'

type Service = NonNullable<NonNullable<ConfigInput['services']>[string]>

const get = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

async function stage(workers: number, limits: Service) {
  const instance = await Instance.start('only')
  instance.mode = 'gated'
  const gateway = await startTestGateway({
    config: {
      workers,
      discovery: { fixed: { type: 'static', services: { only: [`127.0.0.1:${instance.port}`] } } },
      services: { only: limits },
      routes: [{ path: '/', service: 'only' }],
    },
    ...(workers > 0 && { threadEntry: new URL('../support/throwing-thread.ts', import.meta.url) }),
  })
  onTestFinished(async () => {
    await gateway.close()
    await instance.close()
  })
  await gateway.ready()
  return { gateway, instance }
}

async function request(gateway: TestGateway): Promise<RawClient> {
  const client = await RawClient.connect(gateway.port())
  onTestFinished(() => client.destroy())
  return client.send(get)
}

/** That many clients, each on a connection of its own: whichever threads take them. */
async function requests(gateway: TestGateway, count: number): Promise<RawClient[]> {
  return Promise.all(Array.from({ length: count }, () => request(gateway)))
}

async function load(gateway: TestGateway): Promise<ServiceView['load']> {
  return (await gateway.adminJson<ServiceView>('/api/v1/services/only')).load
}

async function until(gateway: TestGateway, wanted: Partial<ServiceView['load']>): Promise<void> {
  for (;;) {
    const now = await load(gateway)
    if (Object.entries(wanted).every(([key, value]) => now[key as keyof typeof now] === value)) return
  }
}

async function statusesOf(clients: readonly RawClient[]): Promise<number[]> {
  return Promise.all(clients.map(async (client) => (await client.response()).status))
}

async function metric(gateway: TestGateway, family: string, labels: Readonly<Record<string, string>>): Promise<number> {
  const samples = parseTextFormat((await gateway.admin('/metrics')).text).get(family)?.samples ?? []
  return samples
    .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0)
}

describe.each([0, 2, 3])('limits of a service, with %i data threads', (workers) => {
  it('hold over all threads: so many in flight, so many waiting, the others turned away', async () => {
    const { gateway, instance } = await stage(workers, { maxRequests: 4, maxPending: 6, pendingTimeout: '1m' })
    const clients = await requests(gateway, 10)
    await instance.received(4)
    await until(gateway, { inflight: 4, pending: 6 })

    const refused = await Promise.all((await requests(gateway, 10)).map((client) => client.response()))

    expect(refused.map((response) => [response.status, header(response, 'x-tidegate-error')])).toEqual(
      Array.from({ length: 10 }, () => [503, 'overloaded']),
    )
    expect(await load(gateway)).toEqual({
      state: 'full',
      inflight: 4,
      pending: 6,
      maxRequests: 4,
      maxRequestsPerEndpoint: null,
      maxPending: 6,
      search: null,
    })
    expect(await metric(gateway, 'tidegate_service_inflight', { service: 'only' })).toBe(4)
    expect(await metric(gateway, 'tidegate_service_pending', { service: 'only' })).toBe(6)
    expect(await metric(gateway, 'tidegate_service_max_requests', { service: 'only' })).toBe(4)
    expect(await metric(gateway, 'tidegate_rejected_total', { service: 'only', reason: 'full' })).toBe(10)
    expect(instance.requests).toBe(4)

    instance.mode = 'ok'
    instance.release()
    expect(await statusesOf(clients)).toEqual(Array.from({ length: 10 }, () => 200))
    await until(gateway, { state: 'open', inflight: 0, pending: 0 })
  })

  it('let in whoever waits, in whatever thread, as soon as there is room', async () => {
    const { gateway, instance } = await stage(workers, {
      maxRequestsPerEndpoint: 1,
      maxPending: 20,
      pendingTimeout: '1m',
    })
    const clients = await requests(gateway, 20)
    await until(gateway, { inflight: 1, pending: 19, maxRequests: 1 })

    for (let served = 1; served <= 20; served++) {
      await instance.received(served)
      expect(instance.held).toBe(1)
      instance.release()
    }

    expect(await statusesOf(clients)).toEqual(Array.from({ length: 20 }, () => 200))
  })
})

it('what a lost thread had in flight, and waiting, is free again for the others', async () => {
  const { gateway, instance } = await stage(2, { maxRequests: 6, maxPending: 6, pendingTimeout: '1m' })
  await requests(gateway, 12)
  await until(gateway, { inflight: 6, pending: 6 })
  const threads = await gateway.threads()
  const lost = threads.find(({ inflight }) => inflight > 0)
  expect(lost).toBeDefined()

  const channel = new BroadcastChannel('throw-in-thread')
  channel.postMessage(lost?.column)
  channel.close()
  await gateway.log.line('worker-replaced')

  instance.mode = 'ok'
  instance.release()
  await until(gateway, { inflight: 0, pending: 0, state: 'open' })
  await gateway.threads((now) => now.length === 2 && now.every(({ state }) => state === 'serving'))
  instance.mode = 'gated'
  await requests(gateway, 12)
  await until(gateway, { inflight: 6, pending: 6 })
})
