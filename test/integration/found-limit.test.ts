import { once } from 'node:events'
import { Agent, createServer, get, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ServiceView } from '../../src/control/views.ts'
import type { EngineName } from '../../src/core/snapshot.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const engines: readonly EngineName[] = ['fast', 'standard']

/** What the origin does with a request: so long that on a busy machine, too, it is this that takes the time, and not the way there. */
const usualMs = 40
/** Its multiples, less their whole parts, are spread evenly. */
const goldenRatio = 0.618

/**
 * An origin that works on so many requests at a time, for so long each, a quarter more or less: answers in step would come in bursts. What
 * comes meanwhile waits, in order.
 */
async function workingOrigin(slots: number, serviceMs: number) {
  const waiting: ServerResponse[] = []
  const pace = { slots, serviceMs }
  let working = 0
  let begun = 0
  const next = (): void => {
    while (working < pace.slots && waiting.length > 0) {
      const response = waiting.shift()
      const takesMs = pace.serviceMs * (0.75 + 0.5 * ((begun++ * goldenRatio) % 1))
      working++
      setTimeout(() => {
        working--
        response?.end('done')
        next()
      }, takesMs)
    }
  }
  const server = createServer((_request, response) => {
    waiting.push(response)
    next()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, pace }
}

async function stage(engine: EngineName, port: number): Promise<TestGateway> {
  const gateway = await startTestGateway({
    config: {
      listeners: [{ name: 'edge', address: '127.0.0.1:0', engine }],
      discovery: { fixed: { type: 'static', services: { only: [`127.0.0.1:${port}`] } } },
      services: { only: { maxRequests: 'auto' } },
      routes: [{ path: '/', service: 'only' }],
    },
  })
  onTestFinished(() => gateway.close())
  await gateway.ready()
  return gateway
}

/** Clients that ask again as soon as they have an answer, until `stop`; one that is refused asks no more. */
function clients(port: number, count: number) {
  const agent = new Agent({ keepAlive: true })
  const statuses: number[] = []
  const end = { isOver: false }
  let answered = Promise.withResolvers<void>()
  const ask = async (): Promise<number> => {
    const done = Promise.withResolvers<number>()
    get({ port, host: '127.0.0.1', agent }, (response) => {
      response.resume().once('end', () => done.resolve(response.statusCode ?? 0))
    }).once('error', done.reject)
    const status = await done.promise
    statuses.push(status)
    answered.resolve()
    answered = Promise.withResolvers()
    return status
  }
  const all = Array.from({ length: count }, async () => {
    while (!end.isOver && (await ask()) === 200);
  })
  return {
    statuses,
    async received(answers: number): Promise<void> {
      while (statuses.length < answers) await answered.promise
    },
    async stop(): Promise<void> {
      end.isOver = true
      await Promise.all(all)
      agent.destroy()
    },
  }
}

async function load(gateway: TestGateway): Promise<ServiceView['load']> {
  return (await gateway.adminJson<ServiceView>('/api/v1/services/only')).load
}

/** What a few clients are answered says what is usual. */
async function serveUsually(gateway: TestGateway): Promise<void> {
  const few = clients(gateway.port(), 2)
  await few.received(50)
  await few.stop()
}

describe.each(engines)('without a configured limit, engine: %s', (engine) => {
  test('a service is limited to what it does at a time while more is asked of it', async () => {
    // Forty answers a second, whatever is asked: the way there takes a small part of any machine.
    const slots = 8
    const origin = await workingOrigin(slots, 200)
    const gateway = await stage(engine, origin.port)
    await serveUsually(gateway)
    expect(await load(gateway)).toMatchObject({ state: 'unlimited', search: { state: 'watching', why: '' } })

    let asking = 3 * slots
    const crowds = [clients(gateway.port(), asking)]
    const [first] = crowds as [ReturnType<typeof clients>]
    let why = ''
    let now = await load(gateway)
    while ((await gateway.timeline('limited')).length === 0) {
      await first.received(first.statuses.length + 1)
      now = await load(gateway)
      // A busy machine can disturb a look, which finds nothing then. It is followed by another one, where more is asked.
      if (now.search?.state === 'watching' && now.search.why !== why) {
        const more = Math.ceil(asking * 0.6)
        crowds.push(clients(gateway.port(), more))
        asking += more
        why = now.search.why
      }
    }
    expect(await gateway.log.line('limited')).toMatchObject({
      service: 'only',
      cause: expect.stringMatching(/^with \d+ % fewer in flight/),
    })
    do now = await load(gateway)
    while (now.inflight > asking - slots)
    expect(now).toMatchObject({ search: { state: 'limited' }, maxRequests: expect.any(Number) })
    expect(now.maxRequests).toBeLessThan(asking - slots)

    await Promise.all(crowds.map((crowd) => crowd.stop()))
    while (now.inflight > 0) now = await load(gateway)
    const statuses = crowds.flatMap((crowd) => crowd.statuses)
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([])
  })

  test('one that is slow, and does all at a time, is refused nothing', async () => {
    const origin = await workingOrigin(1000, usualMs)
    const gateway = await stage(engine, origin.port)
    await serveUsually(gateway)

    origin.pace.serviceMs = 10 * usualMs
    const many = clients(gateway.port(), 16)
    let now = await load(gateway)
    while (now.search?.why === '') {
      await many.received(many.statuses.length + 1)
      now = await load(gateway)
    }
    expect(now.search).toMatchObject({ state: 'watching', why: expect.stringMatching(/^slow, not overloaded: with/) })

    await many.stop()
    expect(new Set(many.statuses)).toEqual(new Set([200]))
    expect(await gateway.timeline('limited')).toEqual([])
  })
})
