import { createServer, connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Joined, register } from '../../src/register.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { startEtcd } from '../support/etcd.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { startInstances } from '../support/instance.ts'
import { type JoiningService, startJoiningService } from '../support/joining-service.ts'
import { Traffic } from '../support/traffic.ts'

/** A real registry, and how a gateway and a test see it. */
interface Registry {
  readonly url: string
  readonly port: number
  /** For a gateway's configuration. */
  readonly source: NonNullable<ConfigInput['discovery']>[string]
  readonly idsOf: (service: string) => Promise<string[]>
  /** Goes away with all it knows, and is back where it was, empty. */
  readonly restart: () => Promise<void>
  readonly end: () => Promise<void>
}

const idsInConsul = ({ api }: Consul) => {
  return async (service: string): Promise<string[]> => {
    const { json } = await api<{ Service: { ID: string } }[]>('GET', `/v1/health/service/${service}`)
    return (json ?? []).map(({ Service }) => Service.ID)
  }
}

const registries: Readonly<Record<string, () => Promise<Registry>>> = {
  consul: async () => {
    let consul = await startConsul()
    return {
      url: `consul://127.0.0.1:${consul.port}`,
      port: consul.port,
      source: { type: 'consul', address: consul.address },
      idsOf: (service) => idsInConsul(consul)(service),
      restart: async () => {
        await consul.kill()
        consul = await startConsul({ httpPort: consul.port })
      },
      end: () => consul.stop(),
    }
  },
  etcd: async () => {
    let etcd = await startEtcd()
    return {
      url: `etcd://127.0.0.1:${etcd.port}`,
      port: etcd.port,
      source: { type: 'etcd', endpoints: [etcd.address] },
      idsOf: (service) => etcd.api.ids(`/micro/services/${service}/`),
      restart: async () => {
        await etcd.kill()
        etcd = await startEtcd({ port: etcd.port })
      },
      end: () => etcd.stop(),
    }
  },
}

async function gatewayFor(service: string, { source }: Registry): Promise<TestGateway> {
  const gateway = await startTestGateway({
    config: { discovery: { registry: source }, routes: [{ path: '/', service }] },
  })
  onTestFinished(async () => gateway.close())
  return gateway
}

async function joining(service: string, { url }: Registry): Promise<JoiningService> {
  const started = await startJoiningService(service, url)
  onTestFinished(async () => {
    started.signal('SIGKILL')
    await started.ended()
  })
  return started
}

describe.each(Object.entries(registries))('a service that joined by itself in %s', (_, startRegistry) => {
  let registry: Registry

  beforeAll(async () => {
    registry = await startRegistry()
  })

  afterAll(async () => registry.end())

  it('is routed to, and on SIGTERM leaves under load without a failed request; its entry is gone when it is', async () => {
    const gateway = await gatewayFor('leaving', registry)
    const first = await joining('leaving', registry)
    const second = await joining('leaving', registry)
    await gateway.eligible('leaving', [first.id, second.id])
    const traffic = new Traffic(gateway.port(), '/', 16)
    await traffic.more(200)
    first.signal('SIGTERM')
    expect(await first.ended()).toBe('SIGTERM')
    expect(await registry.idsOf('leaving')).toEqual([second.id])
    await traffic.more(200)
    expect(await traffic.stop()).toMatchObject({ failed: [] })
  })

  it('is replaced one by one under load, without a failed request', async () => {
    const gateway = await gatewayFor('rolling', registry)
    let running = [
      await joining('rolling', registry),
      await joining('rolling', registry),
      await joining('rolling', registry),
    ]
    await gateway.eligible(
      'rolling',
      running.map(({ id }) => id),
    )
    const traffic = new Traffic(gateway.port(), '/', 16)
    await traffic.more(100)
    for (const old of running) {
      const next = await joining('rolling', registry)
      await gateway.eligible(
        'rolling',
        [...running, next].map(({ id }) => id),
      )
      old.signal('SIGTERM')
      await old.ended()
      running = [...running.filter((one) => one !== old), next]
      await gateway.eligible(
        'rolling',
        running.map(({ id }) => id),
      )
    }
    await traffic.more(100)
    expect(await traffic.stop()).toMatchObject({ failed: [] })
  })

  it('is missed by nobody when it is killed: no GET fails', async () => {
    const gateway = await gatewayFor('killed', registry)
    const victim = await joining('killed', registry)
    const other = await joining('killed', registry)
    await gateway.eligible('killed', [victim.id, other.id])
    const traffic = new Traffic(gateway.port(), '/', 16)
    await traffic.more(200)
    victim.signal('SIGKILL')
    await victim.ended()
    await traffic.more(500)
    expect(await traffic.stop()).toMatchObject({ failed: [] })
  })

  it('is back in a registry that restarted empty, and was served by the gateway all the while', async () => {
    const [instance] = await startInstances('restarted', 1)
    onTestFinished(() => instance.close())
    const gateway = await gatewayFor('restarted', registry)
    const repaired = Promise.withResolvers<void>()
    const joined = await register({
      name: 'restarted',
      id: instance.id,
      port: instance.port,
      address: '127.0.0.1',
      registry: registry.url,
      check: { ttl: '1s' },
      leaveOn: [],
      settle: 0,
      onEvent: ({ type }) => void (type === 'repaired' && repaired.resolve()),
    })
    onTestFinished(() => joined.leave())
    await gateway.servedBy('restarted', '/', [instance.id])
    const traffic = new Traffic(gateway.port(), '/', 4)
    await registry.restart()
    await repaired.promise
    await gateway.log.until('passing again', () => gateway.endpoint('restarted', instance.id)?.registry === 'passing')
    await traffic.more(100)
    expect(await traffic.stop()).toMatchObject({ failed: [] })
    expect(await registry.idsOf('restarted')).toEqual([instance.id])
  })

  it('shares four connections with a hundred services of its process', async () => {
    const relay = await countingRelay(registry.port)
    const joined = await Promise.all(
      Array.from({ length: 100 }, (__, i) => {
        return register({
          name: `many-${i}`,
          port: 9000 + i,
          address: '127.0.0.1',
          registry: registry.url.replace(/\d+$/, String(relay.port)),
          leaveOn: [],
          settle: 0,
          onEvent: () => {},
        })
      }),
    )
    onTestFinished(async () => void (await Promise.all(joined.map((one) => one.leave()))))
    for (const one of joined) one.reportNow()
    const listed = await Promise.all(joined.map(({ registration }) => registry.idsOf(registration.name)))
    expect(listed.flat()).toHaveLength(100)
    expect(relay.most()).toBeLessThanOrEqual(4)
  })
})

let consul: Consul

beforeAll(async () => {
  consul = await startConsul()
})

afterAll(async () => consul.stop())

const idsOf = (service: string): Promise<string[]> => idsInConsul(consul)(service)

/** A relay to a port of loopback that counts the connections open at once. */
async function countingRelay(to: number): Promise<{ port: number; most: () => number }> {
  const sockets = new Set<Socket>()
  let most = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    most = Math.max(most, sockets.size)
    const upstream = connect(to, '127.0.0.1')
    socket.pipe(upstream).pipe(socket)
    for (const side of [socket, upstream]) side.on('error', () => {})
    socket.once('close', () => {
      sockets.delete(socket)
      upstream.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as { port: number }).port, most: () => most }
}

async function refused(options: object): Promise<unknown> {
  return register({ name: 'x', port: 1, leaveOn: [], ...options }).catch((error: unknown) => error)
}

describe('joining', () => {
  it.each([
    [{ name: '' }, '`name` is the name'],
    [{ port: 0 }, '`port` is a number from 1 to 65535'],
    [{ weigth: 3 }, 'did you mean "weight"?'],
    [{ weight: 0.5 }, '`weight` is a whole number'],
    [{ check: { htp: '/health' } }, 'not `htp`'],
    [{ check: { http: 'health' } }, 'a path such as "/health"'],
    [{ check: { ttl: '10 s' } }, '`check.ttl` is a time'],
    [{ settle: 'soon' }, '`settle` is a time'],
    [{ registry: '127.0.0.1:8500' }, 'write one such as "consul://127.0.0.1:8500"'],
    [{ registry: 'consull://127.0.0.1:8500' }, 'did you mean "consul"?'],
    [{ registry: 'consul://127.0.0.1:8500?tokn=x' }, 'takes no `tokn`'],
    [{ registry: 'consul://me:secret@127.0.0.1:8500' }, 'a password in it'],
  ])('with %o is refused, and told why', async (options, why) => {
    expect(await refused(options)).toMatchObject({
      name: 'RegisterError',
      code: 'invalid',
      message: expect.stringContaining(why) as string,
    })
  })

  it('while the registry is down goes on, and registers once it is back', async () => {
    const told: string[] = []
    const back = Promise.withResolvers<void>()
    const { port } = consul
    await consul.kill()
    const joined: Joined = await register({
      name: 'early',
      port: 9000,
      address: '127.0.0.1',
      registry: `consul://127.0.0.1:${consul.port}`,
      joinTimeout: '50ms',
      check: { ttl: '1s' },
      settle: 0,
      leaveOn: [],
      onEvent: ({ type }) => {
        told.push(type)
        if (type === 'registered') back.resolve()
      },
    })
    expect(joined.state).toBe('joining')
    consul = await startConsul({ httpPort: port })
    await back.promise
    expect(await idsOf('early')).toEqual([joined.registration.id])
    expect(told).toEqual(['lost', 'registered', 'back'])
    await joined.leave()
    expect(await idsOf('early')).toEqual([])
  })
})
