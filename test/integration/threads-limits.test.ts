import { describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { freePorts } from '../support/free-ports.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { header } from '../support/http-message.ts'
import { Instance } from '../support/instance.ts'
import { RawClient } from '../support/raw-client.ts'
import { parseTextFormat } from '../unit/observe/text-format.ts'

type Limits = NonNullable<NonNullable<ConfigInput['listeners']>[number]['limits']>

const get = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

function configOf(instance: Instance, workers: number, limits: Limits, address = '127.0.0.1:0') {
  return {
    workers,
    // A client of a busy test process may be slow to ask: the place of one that is given up would be another's.
    listeners: [{ name: 'edge', address, limits, timeouts: { head: '1m' } }],
    discovery: { fixed: { type: 'static', services: { only: [`127.0.0.1:${instance.port}`] } } },
    routes: [{ path: '/', service: 'only' }],
  } satisfies Partial<ConfigInput>
}

async function stage(workers: number, limits: Limits) {
  const instance = await Instance.start('only')
  const gateway = await startTestGateway({
    config: configOf(instance, workers, limits),
    ...(workers > 0 && { threadEntry: new URL('../support/throwing-thread.ts', import.meta.url) }),
  })
  onTestFinished(async () => {
    await gateway.close()
    await instance.close()
  })
  await gateway.ready()
  return { gateway, instance }
}

/** A client that has had an answer: 200, or what `refusal` names. */
async function connect(gateway: TestGateway, localAddress?: string) {
  const client = await RawClient.connect(gateway.port(), localAddress)
  onTestFinished(() => client.destroy())
  const response = await client.send(get).response()
  return { client, response, refusal: header(response, 'x-tidegate-error') }
}

const isTaken = ({ response }: { readonly response: { readonly status: number } }) => response.status === 200

async function expectTaken(gateway: TestGateway, localAddress?: string): Promise<RawClient> {
  const { client, response } = await connect(gateway, localAddress)
  expect(response.status).toBe(200)
  return client
}

async function expectRefused(gateway: TestGateway, localAddress?: string): Promise<void> {
  const { client, response, refusal } = await connect(gateway, localAddress)
  expect([response.status, refusal]).toEqual([503, 'overloaded'])
  expect((await client.rest()).ending).toBe('fin')
}

async function takeAll(gateway: TestGateway, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = []
  while (clients.length < count) clients.push(await expectTaken(gateway))
  return clients
}

/** Resolves when the threads together have that many connections open. */
async function openConnections(gateway: TestGateway, count: number) {
  return gateway.threads((threads) => threads.reduce((sum, { connections }) => sum + connections, 0) === count)
}

async function connectionsGauge(gateway: TestGateway): Promise<number> {
  const family = parseTextFormat((await gateway.admin('/metrics')).text).get('tidegate_connections')
  return (family?.samples ?? []).reduce((sum, { value }) => sum + value, 0)
}

describe.each([0, 2, 3])('a limit on connections, with %i data threads', (workers) => {
  it('takes exactly so many whatever threads take them, and one more when one is closed', async () => {
    const { gateway } = await stage(workers, { connections: 10 })
    const clients = await takeAll(gateway, 10)
    await expectRefused(gateway)
    await expectRefused(gateway)
    expect(await connectionsGauge(gateway)).toBe(10)

    clients[3]?.end()
    await openConnections(gateway, 9)
    await expectTaken(gateway)
    await expectRefused(gateway)
  })

  it('takes exactly so many of all that come at once', async () => {
    const { gateway } = await stage(workers, { connections: 10 })
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => connect(gateway)))
    expect(outcomes.map(({ refusal }) => refusal ?? 'taken').toSorted()).toEqual([
      ...Array.from({ length: 30 }, () => 'overloaded'),
      ...Array.from({ length: 10 }, () => 'taken'),
    ])
  })

  it('holds per client, and one client stands in no other’s way', async () => {
    const { gateway, instance } = await stage(workers, { connectionsPerClient: 4 })
    const [here, there] = ['127.0.0.2', '127.0.0.3']
    const outcomes = await Promise.all(
      [here, there].flatMap((address) =>
        Array.from({ length: 10 }, async () => ({ address, ...(await connect(gateway, address)) })),
      ),
    )
    const taken = outcomes.filter(isTaken)
    const refused = outcomes.filter((outcome) => !isTaken(outcome))
    expect(refused).toHaveLength(12)
    for (const { client, response, refusal } of refused) {
      expect([response.status, refusal]).toEqual([503, 'overloaded'])
      expect((await client.rest()).ending).toBe('fin')
    }
    expect(instance.requests).toBe(taken.length)
    expect(taken.map(({ address }) => address).toSorted()).toEqual([here, here, here, here, there, there, there, there])

    taken.find(({ address }) => address === here)?.client.end()
    await openConnections(gateway, 7)
    await expectRefused(gateway, there)
    await expectTaken(gateway, here)
    await expectRefused(gateway, here)
  })

  it('counts the connections that stood before a reload began to limit those of a client', async () => {
    const { gateway, instance } = await stage(workers, { connections: 10 })
    await takeAll(gateway, 3)
    const limits = { connections: 10, connectionsPerClient: 4 }
    expect(await gateway.reconfigure(configOf(instance, workers, limits))).toMatchObject({ applied: true })
    await expectTaken(gateway)
    await expectRefused(gateway)
    await expectTaken(gateway, '127.0.0.2')
  })

  it('counts those that drain at the old address of a listener that moved', async () => {
    const { gateway, instance } = await stage(workers, { connections: 5 })
    instance.mode = 'gated'
    const held = await Promise.all(Array.from({ length: 4 }, async () => RawClient.connect(gateway.port())))
    for (const client of held) {
      onTestFinished(() => client.destroy())
      client.send(get)
    }
    await instance.received(4)
    instance.mode = 'ok'
    const [port = 0] = await freePorts(1)
    const moved = configOf(instance, workers, { connections: 5 }, `127.0.0.1:${port}`)
    expect(await gateway.reconfigure(moved)).toMatchObject({ applied: true })
    const at = async () => {
      const client = await RawClient.connect(port)
      onTestFinished(() => client.destroy())
      return (await client.send(get).response()).status
    }
    expect([await at(), await at()]).toEqual([200, 503])
    instance.release()
    for (const client of held) expect((await client.response()).status).toBe(200)
    for (const client of held) client.end()
    await openConnections(gateway, 1)
    expect([await at(), await at(), await at(), await at(), await at()]).toEqual([200, 200, 200, 200, 503])
  })
})

describe('a data thread that is lost', () => {
  it.each([
    ['in all', { connections: 12 }],
    ['per client', { connectionsPerClient: 12 }],
  ])('gives back its connections %s: as many fit again, and not one more', async (_, limits) => {
    const { gateway } = await stage(2, limits)
    await takeAll(gateway, 12)
    const [lost, survivor] = await openConnections(gateway, 12)
    await expectRefused(gateway)

    const channel = new BroadcastChannel('throw-in-thread')
    channel.postMessage(lost?.column)
    channel.close()
    await gateway.log.line('worker-replaced')
    expect(await connectionsGauge(gateway)).toBe(survivor?.connections)
    await gateway.threads((threads) => threads.length === 2 && threads.every(({ state }) => state === 'serving'))

    await takeAll(gateway, lost?.connections ?? 0)
    await expectRefused(gateway)
    const after = await openConnections(gateway, 12)
    expect(after.map(({ column, restarts }) => [column, restarts])).toEqual([
      [0, 1],
      [1, 0],
    ])
  })
})
