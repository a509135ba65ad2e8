import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startConsul, type Consul } from '../support/consul.ts'
import { freePorts } from '../support/free-ports.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { deregister, register, registerAll, setCheck } from '../support/registration.ts'
import { a, type ScriptedDns, soa, srv, startScriptedDns } from '../support/scripted-dns.ts'
import { Traffic } from '../support/traffic.ts'

const service = 'user-service'

interface Stage {
  readonly consul: Consul
  readonly gateway: TestGateway
  readonly instances: readonly [Instance, Instance, Instance]
  /** A Consul without memory where the first one was. */
  readonly restart: () => Promise<Consul>
}

/** Three instances, and a gateway that knows Consul by its DNS port alone. */
async function start(options: object = {}): Promise<Stage> {
  const [httpPort = 0, dnsPort = 0] = await freePorts(2)
  const startHere = async () => {
    const consul = await startConsul({ httpPort, dnsPort })
    onTestFinished(async () => consul.kill())
    return consul
  }
  const consul = await startHere()
  const instances = await startInstances(service, 3, { latencyMs: 4 })
  const names = { type: 'dns' as const, servers: [`127.0.0.1:${dnsPort}`], domain: 'service.consul', minTtl: '20ms' }
  const gateway = await startTestGateway({
    config: { discovery: { names: { ...names, ...options } }, routes: [{ path: '/', service }] },
  })
  onTestFinished(async () => {
    await gateway.close()
    await Promise.all(instances.map(async (instance) => instance.close()))
  })
  return { consul, gateway, instances: instances as unknown as Stage['instances'], restart: startHere }
}

/** A gateway on a DNS server that is told what to say. */
async function startOn(server: ScriptedDns, stateDir: string): Promise<TestGateway> {
  const names = { type: 'dns' as const, servers: [`${server.host}:${server.port}`], minTtl: '20ms' }
  const routes = [{ path: '/', service, timeout: '5s' }]
  const config = {
    stateDir,
    discovery: { names },
    services: { [service]: { name: 'web.example.com' } },
    routes,
  }
  const gateway = await startTestGateway({ config })
  onTestFinished(async () => gateway.close())
  return gateway
}

/** The SRV target that Consul makes of 127.0.0.1, and the port. */
const targets = (...instances: readonly Instance[]) => instances.map(({ port }) => `7f000001.addr.dc1.consul:${port}`)

/** Resolves once exactly these are eligible, and answer. */
async function servedBy(gateway: TestGateway, ...instances: readonly Instance[]): Promise<void> {
  await gateway.eligible(service, targets(...instances))
  await gateway.answeredBy(
    '/',
    instances.map(({ id }) => id),
  )
}

const words = (gateway: TestGateway) => gateway.endpoints(service).map(({ registry, state }) => `${registry} ${state}`)

describe("a gateway on Consul's DNS", () => {
  it('sends requests to whom SRV records list, by weight, and follows checks', async () => {
    const { consul, gateway, instances } = await start()
    const [first, second, third] = instances
    await register(consul.api, { service, instance: first, weight: 3 })
    await register(consul.api, { service, instance: second })
    await register(consul.api, { service, instance: third, checks: ['ttl'] })
    await servedBy(gateway, first, second)
    const before = instances.map(({ requests }) => requests)
    for (let i = 0; i < 40; i++) expect((await gateway.client.get('/')).status).toBe(200)
    expect(instances.map(({ requests }, i) => requests - before[i]!)).toEqual([30, 10, 0])

    await setCheck(consul.api, third, 'pass')
    await servedBy(gateway, ...instances)
    await deregister(consul.api, first)
    await servedBy(gateway, second, third)
  })

  it('loses no request while Consul is gone, comes back empty, and learns its instances again', async () => {
    const { consul, gateway, instances, restart } = await start()
    await registerAll(consul.api, service, instances)
    await servedBy(gateway, ...instances)
    const traffic = new Traffic(gateway.port(), '/', 4)
    await traffic.more(100)
    await consul.kill()
    await gateway.log.line('source-lost')
    await traffic.more(200)
    expect(words(gateway)).toEqual(Array(3).fill('passing eligible'))
    expect(await gateway.adminJson(`/api/v1/services/${service}`)).toMatchObject({ stale: true })

    const after = await restart()
    await gateway.log.line('source-back')
    await gateway.log.until('all held', () => words(gateway).every((word) => word === 'held eligible'))
    await traffic.more(200)
    await registerAll(after.api, service, instances)
    await gateway.log.until('all passing', () => words(gateway).every((word) => word === 'passing eligible'))
    const { failed } = await traffic.stop()
    expect(failed).toEqual([])
  })

  it('keeps whoever accepts connections when the name is suddenly gone, and only those', async () => {
    const { consul, gateway, instances } = await start()
    await registerAll(consul.api, service, instances)
    await servedBy(gateway, ...instances)
    const [first, second, third] = instances
    await third.refuse()
    // All at once: the node goes into maintenance, and its services out of the DNS.
    await consul.api('PUT', '/v1/agent/maintenance?enable=true')
    await gateway.log.line('released')
    await gateway.eligible(service, targets(first, second))
    expect(words(gateway)).toEqual(Array(2).fill('held eligible'))
    expect((await gateway.client.get('/')).status).toBe(200)
  })

  it('keeps an instance over its own restart whose address nobody can say meanwhile', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'tidegate-state-'))
    const [first, second, third] = (await startInstances(service, 3)) as unknown as Stage['instances']
    let hasRestarted = false
    const server = await startScriptedDns(({ name, type }) => {
      const list = (target: string, { port }: Instance) => srv(name, { target, port }, 1)
      const known = [list('one.example.com', first), list('two.invalid', second)]
      if (type === 'SRV') return { answers: hasRestarted ? [...known, list('one.example.com', third)] : known }
      if (name === 'two.invalid' && hasRestarted) return { code: 2 }
      return { answers: type === 'A' ? [a(name, '127.0.0.1', 1)] : [], authorities: [soa(1)] }
    })
    onTestFinished(async () => {
      await Promise.all([server, first, second, third].map(async (each) => each.close()))
      await rm(stateDir, { recursive: true })
    })
    const ids = [`one.example.com:${first.port}`, `two.invalid:${second.port}`]
    const before = await startOn(server, stateDir)
    await before.eligible(service, ids)
    await before.close()

    hasRestarted = true
    const after = await startOn(server, stateDir)
    await after.eligible(service, [...ids, `one.example.com:${third.port}`])
    await after.answeredBy(
      '/',
      [first, second, third].map(({ id }) => id),
    )
    expect(words(after)).toEqual(Array(3).fill('passing eligible'))
  })

  it('takes instances from A records at the port that is configured', async () => {
    const [instance] = await startInstances('plain', 1)
    onTestFinished(async () => instance.close())
    const { consul, gateway } = await start({ record: 'a', port: instance.port })
    await register(consul.api, { service, instance })
    await gateway.eligible(service, [`${service}.service.consul:${instance.port}`])
    await gateway.answeredBy('/', [instance.id])
    expect(words(gateway)).toEqual(['passing eligible'])
  })
})
