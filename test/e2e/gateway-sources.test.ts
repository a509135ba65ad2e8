import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startConsul } from '../support/consul.ts'
import { startTestGateway, type TestGatewayOptions } from '../support/gateway.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { registerAll } from '../support/registration.ts'
import { Traffic } from '../support/traffic.ts'

type Config = TestGatewayOptions['config']
type From = NonNullable<NonNullable<Config['services']>[string]['from']>

/** A Consul that lists a, b and c, a file that lists b, c and d, and a gateway that may ask both. */
async function startMove(workers: number) {
  const consul = await startConsul()
  onTestFinished(async () => consul.stop())
  const [a, b, c, d] = (await startInstances('web', 4, { latencyMs: 1 })) as [Instance, Instance, Instance, Instance]
  onTestFinished(async () => {
    await Promise.all([a, b, c, d].map((instance) => instance.close()))
  })
  await registerAll(consul.api, 'web', [a, b, c])
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-move-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'instances.yaml')
  const list = async (instances: readonly Instance[]) => {
    await writeFile(`${path}~`, `web: [${instances.map(({ port }) => `"127.0.0.1:${port}"`).join()}]\n`)
    await rename(`${path}~`, path)
  }
  await list([b, c, d])
  const configFor = (from: From): Config => ({
    workers,
    discovery: { consul: { type: 'consul', address: consul.address }, list: { type: 'file', path } },
    services: { web: { from } },
    routes: [{ path: '/', service: 'web' }],
  })
  const gateway = await startTestGateway({ config: configFor('consul') })
  onTestFinished(async () => gateway.close())
  const idsByPort = () => new Map(gateway.endpoints('web').map(({ address, id }) => [address, id]))
  return {
    instances: { a, b, c, d },
    consul,
    gateway,
    list,
    idsByPort,
    /** Resolves when the service's endpoints are those of these instances. */
    has: async (instances: readonly Instance[]) => {
      const wanted = instances.map(({ port }) => `127.0.0.1:${port}`).toSorted()
      await gateway.log.until('the endpoints', () => [...idsByPort().keys()].toSorted().join() === wanted.join())
    },
    ask: async (from: From) => {
      expect(await gateway.reconfigure(configFor(from))).toMatchObject({ applied: true })
    },
  }
}

/** Resolves when of a hundred requests all these get some, and no other. */
async function served(traffic: Traffic, all: readonly Instance[], wanted: readonly Instance[]): Promise<void> {
  for (;;) {
    const before = all.map(({ requests }) => requests)
    await traffic.more(100)
    const serving = all.filter(({ requests }, i) => requests > (before[i] ?? 0))
    if (serving.length === wanted.length && serving.every((instance) => wanted.includes(instance))) return
  }
}

describe.each([0, 2])('a move from one registry to another under load, with %i worker threads', (workers) => {
  it('loses no request, whatever step it takes, and keeps the endpoints that both list', async () => {
    const { instances, gateway, consul, has, ask, list, idsByPort } = await startMove(workers)
    const { a, b, c, d } = instances
    const all = [a, b, c, d]
    await has([a, b, c])
    const known = idsByPort()
    const traffic = new Traffic(gateway.port(), '/', 4)

    await ask(['consul', { source: 'list', weight: 0 }])
    await has([a, b, c, d])
    await served(traffic, all, [a, b, c])
    await ask(['consul', { source: 'list', weight: 50 }])
    await served(traffic, all, [a, b, c, d])
    await ask([{ source: 'consul', weight: 0 }, 'list'])
    await served(traffic, all, [b, c, d])

    await consul.kill()
    await gateway.log.line('source-lost')
    await list([b, c])
    await has([a, b, c])
    await served(traffic, all, [b, c])
    await ask('list')
    await has([b, c])
    await served(traffic, all, [b, c])

    const { failed } = await traffic.stop()
    expect(failed).toEqual([])
    for (const { port } of [b, c]) expect(idsByPort().get(`127.0.0.1:${port}`)).toBe(known.get(`127.0.0.1:${port}`))
  })

  it('loses no request when it is made in one step', async () => {
    const { instances, gateway, has, ask } = await startMove(workers)
    const { a, b, c, d } = instances
    const all = [a, b, c, d]
    await has([a, b, c])
    const traffic = new Traffic(gateway.port(), '/', 4)
    await traffic.more(10)
    await ask('list')
    await has([b, c, d])
    await served(traffic, all, [b, c, d])
    expect((await traffic.stop()).failed).toEqual([])
  })
})
