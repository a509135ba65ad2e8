import { describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { freePorts } from '../support/free-ports.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { HttpClient } from '../support/http-client.ts'
import { Instance } from '../support/instance.ts'
import { Traffic } from '../support/traffic.ts'
import { parseTextFormat } from '../unit/observe/text-format.ts'

async function stage(workers: number, changes: Partial<ConfigInput> = {}) {
  const instance = await Instance.start('only')
  const config = {
    workers,
    discovery: { fixed: { type: 'static', services: { only: [`127.0.0.1:${instance.port}`] } } },
    routes: [{ path: '/', service: 'only' }],
    ...changes,
  } satisfies Partial<ConfigInput>
  const gateway = await startTestGateway({ config })
  onTestFinished(async () => {
    instance.release()
    await gateway.close()
    await instance.close()
  })
  await gateway.ready()
  return { gateway, instance, config }
}

function drain(gateway: TestGateway, column: number | string) {
  return gateway.adminPost(`/api/v1/workers/${column}/drain`)
}

/** Resolves when the thread of that id is gone. */
async function gone(gateway: TestGateway, id: number) {
  return gateway.threads((threads) => threads.every((thread) => thread.id !== id))
}

/** A kept connection with a request under way. */
async function waitingClient(gateway: TestGateway, instance: Instance) {
  instance.mode = 'gated'
  const client = new HttpClient(gateway.port())
  onTestFinished(() => client.close())
  const answer = client.post('/')
  answer.catch(() => {})
  await instance.received(instance.requests + 1)
  instance.mode = 'ok'
  return { client, answer }
}

async function columnInFlight(gateway: TestGateway): Promise<number> {
  const [busy] = (await gateway.threads()).filter(({ inflight }) => inflight > 0)
  return busy?.column ?? -1
}

/** Threads whose event loop delay is in the metrics. */
async function countingWorkers(gateway: TestGateway): Promise<(string | undefined)[]> {
  const metrics = parseTextFormat((await gateway.admin('/metrics')).text)
  const delays = metrics.get('tidegate_worker_event_loop_delay_seconds')?.samples ?? []
  return delays.filter(({ name, value }) => name.endsWith('_count') && value > 0).map(({ labels }) => labels.worker)
}

/** What a client sees of a connection that is cut. */
const cut = /ECONNRESET|socket hang up/

/** A client that is served. What waits to be accepted at the moment in which a thread stops listening, the system resets. */
async function newcomerOf(gateway: TestGateway): Promise<HttpClient> {
  for (;;) {
    const client = new HttpClient(gateway.port())
    onTestFinished(() => client.close())
    const answer = await client.get('/').catch(() => null)
    if (answer !== null) return client
  }
}

describe('the data threads, as the admin API shows them', () => {
  it('say how they are and what they hold', async () => {
    const { gateway, instance } = await stage(2)
    await waitingClient(gateway, instance)
    const threads = await gateway.threads((all) => all.every(({ state }) => state === 'serving'))
    expect(threads.map(({ column, id, restarts }) => [column, id, restarts])).toEqual([
      [0, 1, 0],
      [1, 2, 0],
    ])
    for (const { since, eventLoopDelayMs, utilization } of threads) {
      expect(new Date(since).toISOString()).toBe(since)
      expect(eventLoopDelayMs).toBeGreaterThanOrEqual(0)
      expect(utilization).toBeGreaterThan(0)
      expect(utilization).toBeLessThanOrEqual(1)
    }
    expect(threads.map(({ connections }) => connections).toSorted((a, b) => a - b)).toEqual([0, 1])
    expect(threads.find(({ connections }) => connections === 1)?.inflight).toBe(1)
    // Each counts by itself, every 50 ms.
    let counting: (string | undefined)[] = []
    while (counting.length < 2) counting = await countingWorkers(gateway)
    expect(new Set(counting)).toEqual(new Set(['0', '1']))
  })

  it('are the main thread where there are no others, and that one can not be drained', async () => {
    const { gateway } = await stage(0)
    expect(await gateway.threads()).toMatchObject([{ column: 0, id: 0, state: 'serving', restarts: 0 }])
    expect(await drain(gateway, 0)).toMatchObject({
      status: 409,
      text: expect.stringContaining('workers: 0') as string,
    })
    expect((await drain(gateway, 1)).status).toBe(404)
  })
})

describe('a data thread that is drained', () => {
  it.each([
    ['kept connections, and nothing is lost', true],
    ['a connection per request, and nothing is lost but what waited to be accepted', false],
  ])('is replaced under traffic on %s', async (_, keepAlive) => {
    const { gateway } = await stage(2)
    const traffic = new Traffic(gateway.port(), '/', 4, { keepAlive })
    await traffic.more(100)
    const [subject, other] = await gateway.threads()
    const { status, text } = await drain(gateway, subject?.column ?? -1)
    expect({ status, body: JSON.parse(text) as unknown }).toEqual({
      status: 202,
      body: { column: 0, replacement: 2 },
    })
    const after = await gone(gateway, subject?.id ?? -1)
    await traffic.more(100)
    const { requests, failed } = await traffic.stop()

    expect(requests).toBeGreaterThanOrEqual(200)
    expect(keepAlive ? failed : failed.filter((what) => !cut.test(what))).toEqual([])
    expect(after).toMatchObject([
      { column: 1, id: other?.id, state: 'serving' },
      { column: 2, id: 3, state: 'serving' },
    ])
    await gateway.log.line('worker-replaced')
    expect(await gateway.timeline('worker-replaced')).toMatchObject([
      { service: null, endpoint: null, cause: 'a drain was asked for; 0 connections were cut' },
    ])
    const metrics = (await gateway.admin('/metrics')).text
    expect(metrics).toMatch(/^tidegate_workers 2$/m)
    expect(metrics).toMatch(/^tidegate_worker_restarts_total 0$/m)
    expect(metrics).toMatch(/^tidegate_worker_utilization\{worker="1"\} /m)
    expect(metrics).not.toMatch(/^tidegate_worker_utilization\{worker="0"\} /m)
    expect(gateway.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('finishes what it has, while its replacement serves, and only then goes', async () => {
    const { gateway, instance } = await stage(1)
    const { answer } = await waitingClient(gateway, instance)
    const [subject] = await gateway.threads()
    expect((await drain(gateway, 0)).status).toBe(202)
    await gateway.threads((threads) => threads.some(({ column, state }) => column === 1 && state === 'serving'))

    const newcomer = await newcomerOf(gateway)
    for (let i = 0; i < 20; i++) expect((await newcomer.get('/')).status).toBe(200)
    expect(await gateway.threads()).toMatchObject([
      { column: 0, state: 'draining', inflight: 1 },
      { column: 1, state: 'serving' },
    ])
    instance.release()
    const { status, headers } = await answer
    expect([status, headers.connection]).toEqual([200, 'close'])
    expect(await gone(gateway, subject?.id ?? -1)).toMatchObject([{ column: 1, state: 'serving', restarts: 0 }])
  })

  it('is cut off at the deadline of a shutdown', async () => {
    const { gateway, instance } = await stage(2, { shutdown: { deadline: '100ms' } })
    const { answer } = await waitingClient(gateway, instance)
    await drain(gateway, await columnInFlight(gateway))
    await expect(answer).rejects.toThrow(cut)
    await gateway.log.line('worker-replaced')
    expect(await gateway.timeline('worker-replaced')).toMatchObject([
      { cause: 'a drain was asked for; 1 connections were cut' },
    ])
  })

  it('is not drained again, nor any other before it is gone', async () => {
    const { gateway, instance } = await stage(2)
    await waitingClient(gateway, instance)
    const busy = await columnInFlight(gateway)
    expect((await drain(gateway, busy)).status).toBe(202)
    expect(await drain(gateway, busy)).toMatchObject({
      status: 409,
      text: expect.stringContaining(`The thread in column ${busy} drains already`) as string,
    })
    expect(await drain(gateway, 1 - busy)).toMatchObject({
      status: 409,
      text: expect.stringContaining('threads are replaced one at a time') as string,
    })
    for (const unknown of [7, 'x', '-1', '0x0']) expect((await drain(gateway, unknown)).status).toBe(404)

    instance.release()
    await gateway.threads((threads) => threads.every(({ column }) => column !== busy))
    expect((await drain(gateway, 1 - busy)).status).toBe(202)
    await gateway.threads((threads) => threads.every(({ column }) => column !== 1 - busy))
  })

  it('opens no listener that a reload adds, and follows its lists to the end', async () => {
    const { gateway, instance, config } = await stage(2)
    const { answer } = await waitingClient(gateway, instance)
    const busy = await columnInFlight(gateway)
    await drain(gateway, busy)
    await gateway.threads((threads) => threads.filter(({ state }) => state === 'serving').length === 2)
    const [added = 0] = await freePorts(1)
    const listeners = [
      { name: 'edge', address: `127.0.0.1:${gateway.port()}` },
      { name: 'added', address: `127.0.0.1:${added}` },
    ]
    expect(await gateway.reconfigure({ ...config, listeners })).toMatchObject({ applied: true })
    for (let i = 0; i < 20; i++) {
      const client = new HttpClient(added)
      expect((await client.get('/')).status).toBe(200)
      client.close()
    }
    expect(await gateway.threads()).toContainEqual(
      expect.objectContaining({ column: busy, state: 'draining', connections: 1 }),
    )
    instance.release()
    expect((await answer).status).toBe(200)
  })

  it('ends with the gateway', async () => {
    const { gateway, instance } = await stage(2)
    const { answer } = await waitingClient(gateway, instance)
    await drain(gateway, await columnInFlight(gateway))
    await gateway.close()
    await expect(answer).rejects.toThrow(cut)
  })
})
