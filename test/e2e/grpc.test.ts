import { credentials, makeGenericClientConstructor, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { registerResolvers } from '../../src/grpc.ts'
import { healthDefinition } from '../../src/join/grpc/health-service.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { untilEnded } from '../support/ending-program.ts'
import { Caller } from '../support/grpc-caller.ts'
import { type JoiningService, startJoiningService } from '../support/joining-service.ts'

let consul: Consul

beforeAll(async () => {
  registerResolvers()
  consul = await startConsul()
})

afterAll(async () => consul.stop())

async function serverOf(service: string): Promise<JoiningService> {
  const started = await startJoiningService(service, `consul://127.0.0.1:${consul.port}`, 'grpc-service')
  onTestFinished(async () => {
    started.signal('SIGKILL')
    await started.ended()
  })
  return started
}

const targetOf = (service: string): string => `consul://127.0.0.1:${consul.port}/${service}`

describe('a gRPC channel to a name in Consul', () => {
  it('spreads calls evenly over the servers', async () => {
    const servers = [await serverOf('even'), await serverOf('even'), await serverOf('even')]
    const caller = new Caller(targetOf('even'))
    await caller.untilServedBy(servers)
    const answered = await caller.calls((count) => count === 300)
    expect([...answered.values()]).toEqual([100, 100, 100])
    expect(caller.failed).toEqual([])
  })

  it('loses no call once a killed server is out', async () => {
    const servers = [await serverOf('killed'), await serverOf('killed'), await serverOf('killed')] as const
    const caller = new Caller(targetOf('killed'))
    await caller.untilServedBy(servers)
    servers[0].signal('SIGKILL')
    await servers[0].ended()
    await caller.untilServedBy(servers.slice(1))
    caller.failed.length = 0
    await caller.calls((count) => count === 300)
    expect(caller.failed).toEqual([])
  })

  it('loses no call while all servers are replaced one by one', async () => {
    let servers = [await serverOf('rolling'), await serverOf('rolling'), await serverOf('rolling')]
    const caller = new Caller(targetOf('rolling'))
    await caller.untilServedBy(servers)
    let isOver = false
    const calling = caller.calls(() => isOver)
    const watching = new Caller(targetOf('rolling'))
    for (const old of servers) {
      const next = await serverOf('rolling')
      old.signal('SIGTERM')
      await old.ended()
      servers = [...servers.filter((one) => one !== old), next]
      await watching.untilServedBy(servers)
    }
    isOver = true
    expect((await calling).size).toBeGreaterThanOrEqual(3)
    expect(caller.failed).toEqual([])
    expect(watching.failed).toEqual([])
  })

  it('asks only the instances that its query names', async () => {
    const servers = [await serverOf('tagged'), await serverOf('tagged')] as const
    const caller = new Caller(`${targetOf('tagged')}?version=none`)
    const plain = new Caller(targetOf('tagged'))
    await plain.untilServedBy(servers)
    await expect(caller.call()).rejects.toThrow('no instance of tagged is registered and well')
  })

  it.each([
    ['with the default policy', {}],
    ['with a policy of its own', { 'grpc.service_config': '{}' }],
  ])('%s fails its calls while there is no server, and finds the first one', async (title, options) => {
    const service = `none-${title.length}`
    const caller = new Caller(targetOf(service), options)
    await expect(caller.call()).rejects.toMatchObject({ code: status.UNAVAILABLE })
    await caller.untilServedBy([await serverOf(service)])
  })

  it.each(['true', 'false'])('lets its program end; closed: %s', async (CLOSES) => {
    const server = await serverOf(`ending-${CLOSES}`)
    const ended = await untilEnded('grpc-program.ts', { TARGET: targetOf(`ending-${CLOSES}`), CLOSES })
    expect(ended).toEqual({ said: `hello you, says ${server.pid}\n`, exitCode: 0 })
  })

  it('is served while the registry is gone, and follows it again', async () => {
    const first = await serverOf('outage')
    const caller = new Caller(targetOf('outage'))
    await caller.untilServedBy([first])
    const { port } = consul
    await consul.kill()
    await caller.calls((count) => count === 300)
    // A channel made anew asks the registry, which is not there.
    const late = new Caller(targetOf('outage'), { 'grpc.service_config': '{}' })
    await expect(late.call()).rejects.toThrow("Consul can't be reached")
    consul = await startConsul({ httpPort: port })
    const second = await serverOf('outage')
    await caller.untilServedBy([first, second])
    expect(caller.failed).toEqual([])
  })

  it('comes back from idleness', async () => {
    const server = await serverOf('idle')
    const caller = new Caller(targetOf('idle'), { 'grpc.client_idle_timeout_ms': 1000 })
    await caller.untilServedBy([server])
    const { promise, resolve } = Promise.withResolvers<void>()
    // The channel says so when it has gone idle.
    const channel = caller.channel
    channel.watchConnectivityState(channel.getConnectivityState(false), Date.now() + 20_000, () => resolve())
    await promise
    expect(await caller.call()).toBe(server.pid)
  })
})

describe('a gRPC server', () => {
  it('tells those who ask how it is', async () => {
    const server = await serverOf('asked')
    const Health = makeGenericClientConstructor(healthDefinition, 'Health')
    const client = new Health(`127.0.0.1:${server.port}`, credentials.createInsecure())
    onTestFinished(() => client.close())
    const check = (service: string): Promise<{ status: number }> => {
      return new Promise((resolve, reject) => {
        client.Check?.({ service }, (error: Error | null, answer: { status: number }) => {
          if (error === null) resolve(answer)
          else reject(error)
        })
      })
    }
    expect(await check('')).toEqual({ status: 1 })
    expect(await check('greeter.Greeter')).toEqual({ status: 1 })
    await expect(check('x'.repeat(200))).rejects.toThrow('NOT_FOUND')
  })

  it('is well for Consul’s own gRPC check', async () => {
    const server = await serverOf('checked')
    const GRPC = `127.0.0.1:${server.port}/greeter.Greeter`
    const Check = { GRPC, Interval: '1s', Timeout: '1s' }
    await consul.api('PUT', '/v1/agent/service/register', { Name: 'by-consul', ID: 'c1', Port: server.port, Check })
    for (let index = '0'; ;) {
      const path = `/v1/health/service/by-consul?passing&index=${index}&wait=10s`
      const answer = await consul.api<unknown[]>('GET', path)
      if (answer.json?.length === 1) break
      index = answer.headers.get('x-consul-index') ?? '0'
    }
    const { json } = await consul.api<unknown[]>('GET', '/v1/health/service/by-consul?passing')
    expect(json).toHaveLength(1)
  })
})

describe('the example', () => {
  it('calls a service by its name', async () => {
    const server = await serverOf('example')
    const said = `hello you, says ${server.pid}\n`.repeat(3)
    const ended = await untilEnded('../../examples/grpc-service/client.ts', { TARGET: targetOf('example') })
    expect(ended).toEqual({ said, exitCode: 0 })
  })
})
