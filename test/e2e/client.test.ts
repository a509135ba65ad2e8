import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Client, connect, type ClientOptions } from '../../src/client.ts'
import { createRegistry, type Registry } from '../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../support/consul-api.ts'
import { startTestGateway } from '../support/gateway.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { register, registerAll, setMaintenance } from '../support/registration.ts'

let registry: Registry
let api: ConsulApi
let address: string

beforeAll(async () => {
  registry = createRegistry({ port: 0 })
  address = (await registry.start()).address
  api = consulApi(address)
})

afterAll(() => registry.close())

function clientOf(service: string, options: ClientOptions = {}): Client {
  const client = connect(service, { registry: address.replace('http:', 'consul:'), ...options })
  onTestFinished(() => client.close())
  return client
}

async function instancesOf(service: string, count: number): Promise<[Instance, ...Instance[]]> {
  const instances = await startInstances(service, count)
  onTestFinished(async () => void (await Promise.all(instances.map((instance) => instance.close()))))
  return instances
}

/** Somebody who calls a service, through a gateway or by the client. */
interface Caller {
  /** One GET. @returns the instance that answered, with `!` for an answer of 500; `none` where nobody did */
  readonly get: () => Promise<string>
  /** Resolves when exactly these may be picked. */
  readonly eligible: (instances: readonly Instance[]) => Promise<void>
}

const callers: Readonly<Record<string, (service: string) => Promise<Caller>>> = {
  'a gateway': async (service) => {
    const gateway = await startTestGateway({
      config: { discovery: { consul: { type: 'consul', address } }, routes: [{ path: '/', service }] },
    })
    onTestFinished(() => gateway.close())
    return {
      get: async () => {
        const { status, instance } = await gateway.client.get('/')
        return status === 200 ? String(instance) : status === 500 ? `${instance}!` : 'none'
      },
      eligible: (instances) =>
        gateway.eligible(
          service,
          instances.map(({ id }) => id),
        ),
    }
  },
  'the client': async (service) => {
    const client = clientOf(service)
    await client.ready
    return {
      get: async () => {
        try {
          const response = await client.fetch('/')
          await response.text()
          const instance = response.headers.get('x-instance') ?? ''
          return response.status === 200 ? instance : `${instance}!`
        } catch {
          return 'none'
        }
      },
      eligible: async (instances) => {
        const wanted = instances
          .map(({ port }) => `127.0.0.1:${port}`)
          .toSorted()
          .join()
        while (eligibleAt(client) !== wanted) await new Promise(setImmediate)
      },
    }
  },
}

async function spreadOf(caller: Caller, count: number): Promise<Record<string, number>> {
  const spread: Record<string, number> = {}
  for (let i = 0; i < count; i++) {
    const answer = await caller.get()
    spread[answer] = (spread[answer] ?? 0) + 1
  }
  return spread
}

function eligibleAt(client: Client): string {
  const eligible = client.instances().filter(({ state }) => state === 'eligible')
  return eligible
    .map((instance) => instance.address)
    .toSorted()
    .join()
}

describe.each(Object.entries(callers))('%s', (title, startCaller) => {
  const nameOf = (scenario: string): string => `${scenario}-${title.split(' ').at(-1)}`

  async function stage(
    scenario: string,
  ): Promise<{ caller: Caller; instances: [Instance, Instance, Instance]; service: string }> {
    const service = nameOf(scenario)
    const instances = (await instancesOf(service, 3)) as [Instance, Instance, Instance]
    await registerAll(api, service, instances)
    const caller = await startCaller(service)
    await caller.eligible(instances)
    return { caller, instances, service }
  }

  it('spreads requests evenly', async () => {
    const { caller, instances } = await stage('even')
    const each = Object.fromEntries(instances.map(({ id }) => [id, 100]))
    expect(await spreadOf(caller, 300)).toEqual(each)
  })

  it('spreads requests by weight', async () => {
    const service = nameOf('weighted')
    const [light, heavy] = (await instancesOf(service, 2)) as [Instance, Instance]
    await register(api, { service, instance: light, weight: 1 })
    await register(api, { service, instance: heavy, weight: 3 })
    const caller = await startCaller(service)
    await caller.eligible([light, heavy])
    expect(await spreadOf(caller, 100)).toEqual({ [light.id]: 25, [heavy.id]: 75 })
  })

  it('loses nothing to an instance that refuses, leaves it out, and has it back', async () => {
    const { caller, instances } = await stage('refusing')
    const [dead, ...others] = instances
    await spreadOf(caller, 3)
    await dead.refuse()
    const spread = await spreadOf(caller, 100)
    expect(Object.keys(spread).toSorted()).toEqual(others.map(({ id }) => id))
    await caller.eligible(others)
    await dead.accept()
    await caller.eligible(instances)
  })

  it('ejects an instance after five failures in a row', async () => {
    const { caller, instances } = await stage('failing')
    const [bad, ...others] = instances
    bad.mode = 'error'
    const spread = await spreadOf(caller, 100)
    expect(spread[`${bad.id}!`]).toBe(5)
    await caller.eligible(others)
  })

  it('never ejects more than half, nor the last one', async () => {
    const { caller, instances } = await stage('all-failing')
    for (const instance of instances) instance.mode = 'error'
    await spreadOf(caller, 60)
    const spread = await spreadOf(caller, 20)
    expect(spread.none).toBeUndefined()
    expect(Object.keys(spread)).toHaveLength(2)
  })

  it('asks an instance in maintenance nothing', async () => {
    const { caller, instances } = await stage('maintained')
    const [away, ...others] = instances
    await setMaintenance(api, away, true)
    // A change that follows another one is with those who pick within 100 ms.
    while (Object.keys(await spreadOf(caller, 4)).includes(away.id));
    const each = Object.fromEntries(others.map(({ id }) => [id, 50]))
    expect(await spreadOf(caller, 100)).toEqual(each)
  })
})

/** One instance that answers as told. */
async function served(service: string, serve: RequestListener): Promise<void> {
  const server = createServer(serve).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  await register(api, { service, instance: { id: `${service}-${port}`, port } })
}

/** A body of 256 KiB, more than is kept. */
function longBody(): ReadableStream {
  return new ReadableStream({
    start(controller) {
      for (let i = 0; i < 4; i++) controller.enqueue(Buffer.alloc(64 * 1024))
      controller.close()
    },
  })
}

describe('the client', () => {
  it('sends method, path, query, fields and body as they are given', async () => {
    await served('echo', (incoming: IncomingMessage, response: ServerResponse) => {
      void text(incoming).then((body) => {
        const { method, url, headers } = incoming
        response.end(JSON.stringify({ method, url, x: headers['x-a'], body }))
      })
    })
    const response = await clientOf('echo').fetch('/a%20b?c=d', {
      method: 'POST',
      headers: { 'x-a': '1' },
      body: 'hello',
    })
    expect(await response.json()).toEqual({ method: 'POST', url: '/a%20b?c=d', x: '1', body: 'hello' })
  })

  it('streams long bodies both ways', async () => {
    await served('streams', (incoming, response) => incoming.pipe(response))
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const body = new ReadableStream({
      async start(controller) {
        for (let i = 0; i < 64; i++) controller.enqueue(chunk)
        controller.close()
      },
    })
    const response = await clientOf('streams').fetch('/', { method: 'POST', body, duplex: 'half' })
    expect((await response.arrayBuffer()).byteLength).toBe(64 * chunk.length)
  })

  it('is a dispatcher for undici’s own request', async () => {
    const [instance] = await instancesOf('dispatched', 1)
    await registerAll(api, 'dispatched', [instance])
    const { dispatcher, origin } = clientOf('dispatched')
    const { statusCode, body } = await request(`${origin}/x`, { dispatcher })
    expect(statusCode).toBe(200)
    expect(await body.text()).toBe(`${instance.id} /x`)
  })

  it('repeats a GET whose instance breaks off before an answer, and no POST', async () => {
    let broken = 0
    const breaks: RequestListener = (incoming) => {
      broken++
      incoming.socket.destroy()
    }
    await served('breaking', breaks)
    await served('breaking', breaks)
    const client = clientOf('breaking')
    await client.ready
    const failure = await client.fetch('/').catch((error: unknown) => error)
    expect(failure).toMatchObject({ cause: { name: 'ClientError', code: 'reset-before-head', service: 'breaking' } })
    expect(broken).toBe(2)
    await client.fetch('/', { method: 'POST', body: 'once' }).catch(() => {})
    expect(broken).toBe(3)
  })

  it('sends a POST on where nothing was sent: the body of a stream, too', async () => {
    const instances = await instancesOf('refused-post', 2)
    await registerAll(api, 'refused-post', instances)
    const client = clientOf('refused-post')
    await client.ready
    await instances[0].refuse()
    for (let i = 0; i < 4; i++) {
      const response = await client.fetch('/', { method: 'POST', body: longBody(), duplex: 'half' })
      expect(response.status).toBe(200)
      await response.text()
    }
  })

  it('asks another instance where the answer is a status to be retried', async () => {
    await served('retried', (_, response) => response.writeHead(503).end('busy'))
    await served('retried', (_, response) => response.end('fine'))
    const client = clientOf('retried', { retry: { statuses: [503] } })
    await client.ready
    for (let i = 0; i < 4; i++) expect(await (await client.fetch('/')).text()).toBe('fine')
  })

  it('keeps its deadline', async () => {
    await served('silent', () => {})
    const client = clientOf('silent', { timeout: '100ms', retry: { attempts: 0 } })
    const failure = await client.fetch('/').catch((error: unknown) => error)
    expect(failure).toMatchObject({ cause: { code: 'total-timeout' } })
  })

  it('can be aborted before and behind the head of an answer, which is no evidence', async () => {
    const seen = Promise.withResolvers<void>()
    await served('aborted', (incoming, response) => {
      if (incoming.url === '/silent') return seen.resolve()
      response.write('begun')
      return undefined
    })
    const client = clientOf('aborted')
    const before = new AbortController()
    const call = client.fetch('/silent', { signal: before.signal })
    await seen.promise
    before.abort()
    await expect(call).rejects.toThrow('aborted')

    const behind = new AbortController()
    const response = await client.fetch('/', { signal: behind.signal })
    const body = response.text()
    behind.abort()
    await expect(body).rejects.toThrow('aborted')
    expect(client.instances()).toMatchObject([{ state: 'eligible', inflight: 0, failures: 0 }])
  })

  it('says so where nobody may be asked, and serves once somebody may', async () => {
    const client = clientOf('late')
    const failure = await client.fetch('/').catch((error: unknown) => error)
    expect(failure).toMatchObject({ cause: { name: 'ClientError', code: 'no-endpoint', service: 'late' } })
    const [instance] = await instancesOf('late', 1)
    await registerAll(api, 'late', [instance])
    while ((await client.fetch('/').catch(() => null))?.status !== 200) await new Promise(setImmediate)
  })

  it('asks only instances of the version it was told', async () => {
    const [old, fresh] = (await instancesOf('versions', 2)) as [Instance, Instance]
    for (const [instance, version] of [
      [old, '1'],
      [fresh, '2'],
    ] as const) {
      const { id, port } = instance
      const body = { ID: id, Name: 'versions', Address: '127.0.0.1', Port: port, Meta: { version } }
      await api('PUT', '/v1/agent/service/register', body)
    }
    const client = clientOf('versions', { version: '2' })
    for (let i = 0; i < 4; i++) await (await client.fetch('/')).text()
    expect([old.requests, fresh.requests]).toEqual([0, 4])
  })

  it('counts what it does as the gateway does', async () => {
    const instances = await instancesOf('counted', 2)
    await registerAll(api, 'counted', instances)
    const client = clientOf('counted')
    for (let i = 0; i < 4; i++) await (await client.fetch('/')).text()
    const scraped = await client.metrics()
    for (const { id } of instances) {
      expect(scraped).toMatch(
        new RegExp(
          `^tidegate_upstream_requests_total\\{service="counted",instance="[^"]*/${id}@[^"]*",outcome="2xx"\\} 2$`,
          'm',
        ),
      )
    }
    expect(scraped).toContain('tidegate_endpoints{service="counted",state="eligible"} 2')
    expect(scraped).not.toContain('tidegate_connections')
  })

  it.each([
    ['', {}, 'is not empty'],
    ['x', { timeout: 'soon' }, '`timeout` is a time'],
    ['x', { registry: 'x://y' }, 'no registry is called "x"'],
  ])('refuses %j with %o', (name, options, why) => {
    expect(() => connect(name, options)).toThrow(why)
  })
})
