import { expect, onTestFinished, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { HttpClient } from '../support/http-client.ts'
import { Instance } from '../support/instance.ts'
import { parseTextFormat } from '../unit/observe/text-format.ts'

async function stage() {
  const instance = await Instance.start('only')
  const gateway = await startTestGateway({
    config: {
      workers: 2,
      discovery: { fixed: { type: 'static', services: { only: [`127.0.0.1:${instance.port}`] } } },
      routes: [{ path: '/', service: 'only' }],
    },
    threadEntry: new URL('../support/stuck-thread.ts', import.meta.url),
  })
  onTestFinished(async () => {
    await gateway.close()
    await instance.close()
  })
  await gateway.ready()
  return { gateway, instance }
}

/** Clients with a kept connection each, by the thread that has it: that many with either of the two. */
async function clientsByThread(gateway: TestGateway, count: number): Promise<[HttpClient[], HttpClient[]]> {
  const clients = new Map<string | null, HttpClient[]>()
  const isFull = () => clients.size === 2 && [...clients.values()].every(({ length }) => length === count)
  while (!isFull()) {
    const client = new HttpClient(gateway.port())
    onTestFinished(() => client.close())
    const { thread } = await client.get('/')
    const known = clients.get(thread) ?? []
    clients.set(thread, known)
    if (known.length < count) known.push(client)
    else client.close()
  }
  return [...clients.values()] as [HttpClient[], HttpClient[]]
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

async function openConnections(gateway: TestGateway, count: number) {
  return gateway.threads((threads) => sum(threads.map(({ connections }) => connections)) === count)
}

async function connectionsGauge(gateway: TestGateway): Promise<number> {
  const family = parseTextFormat((await gateway.admin('/metrics')).text).get('tidegate_connections')
  return sum((family?.samples ?? []).map(({ value }) => value))
}

test('a data thread that stands still under traffic is replaced, the other one answers meanwhile, and what it had is taken back', async () => {
  const { gateway, instance } = await stage()
  const [stuck, others] = await clientsByThread(gateway, 3)
  await openConnections(gateway, 6)
  instance.mode = 'gated'
  const before = instance.requests
  const outcomes = stuck.map(async (client) =>
    client.post('/').then(
      ({ status }) => status,
      () => 'lost',
    ),
  )
  await instance.received(before + 3)
  instance.mode = 'ok'
  const [subject] = (await gateway.threads()).filter(({ inflight }) => inflight === 3)
  expect(gateway.endpoints('only').map(({ inflight }) => inflight)).toEqual([3])

  const channel = new BroadcastChannel('stuck-thread')
  channel.postMessage(subject?.column)
  channel.close()
  const replaced = { isLogged: false }
  const logged = gateway.log.line('worker-replaced').then(() => (replaced.isLogged = true))
  const meanwhile: number[] = []
  const answering = others.map(async (client) => {
    while (!replaced.isLogged) meanwhile.push((await client.get('/')).status)
  })
  await Promise.all([logged, ...answering])

  expect(meanwhile.length).toBeGreaterThan(3)
  expect(new Set(meanwhile)).toEqual(new Set([200]))
  expect(await Promise.all(outcomes)).toEqual(['lost', 'lost', 'lost'])
  expect(await gateway.timeline('worker-replaced')).toMatchObject([
    { cause: expect.stringContaining('its event loop stood still') as string },
  ])
  const after = await gateway.threads((threads) => threads.every(({ state }) => state === 'serving'))
  expect(after.map(({ restarts }) => restarts).toSorted((a, b) => a - b)).toEqual([0, 1])
  await openConnections(gateway, 3)
  expect(await connectionsGauge(gateway)).toBe(3)
  while (gateway.endpoints('only').some(({ inflight }) => inflight !== 0)) await gateway.admin('/livez')

  // New connections get to the one that goes on and to the replacement.
  const [ones, more] = await clientsByThread(gateway, 1)
  for (const client of [...others, ...ones, ...more]) client.close()
  await openConnections(gateway, 0)
  expect(await connectionsGauge(gateway)).toBe(0)
  expect(sum((await gateway.threads()).map(({ inflight }) => inflight))).toBe(0)
})
