import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { consul } from '../../src/discovery/consul/source.ts'
import { type Discovery, DiscoveryError } from '../../src/discovery/contract.ts'
import { seededRandom } from '../../src/util/random.ts'
import { consulOptions, loopbackCertificate, trustingTls } from '../support/consul-discovery.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { freePorts } from '../support/free-ports.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { watch, type Watching } from '../support/watching.ts'

const names = Array.from({ length: 300 }, (_, number) => `service-${number}`)
// Go's server allows 250 streams.
const connections = 2

async function untilPort(watching: Watching | undefined, port: number): Promise<unknown> {
  return watching?.until(({ instances }) => instances[0]?.port === port)
}

describe("one source with more services than an agent allows connections, over the agent's HTTPS port", () => {
  let folder: string
  let start: () => Promise<Consul>
  let running: Consul
  let proxy: TcpProxy
  let discovery: Discovery
  let watchings: Watching[]

  const register = async (service: string, port: number) =>
    running.api('PUT', '/v1/agent/service/register', { Name: service, ID: service, Address: '10.0.0.1', Port: port })

  async function follow(): Promise<void> {
    watchings = names.map((name) => watch(discovery, name))
    await Promise.all(watchings.map(async (watching) => untilPort(watching, 8000)))
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidegate-consul-h2-'))
    const [httpPort = 0, port = 0] = await freePorts(2)
    const tls = { port, cert: join(folder, 'agent.pem'), key: join(folder, 'agent.key') }
    await writeFile(tls.cert, loopbackCertificate.cert)
    await writeFile(tls.key, loopbackCertificate.key)
    start = async () => startConsul({ httpPort, tls, dataDir: join(folder, 'data') })
    running = await start()
    for (const name of names) await register(name, 8000)
    proxy = await startTcpProxy(port)
    const options = consulOptions({ address: `https://127.0.0.1:${proxy.port}`, tls: trustingTls })
    discovery = consul(options, { random: seededRandom(1), onSkipped: () => {} })
  })

  afterAll(async () => {
    await discovery.close()
    await proxy.close()
    await running.kill()
    await rm(folder, { recursive: true, force: true })
  })

  it('asks for each by itself, on two connections, and hears of a change', async () => {
    await follow()
    await register('service-7', 8001)
    await untilPort(watchings[7], 8001)
    await register('service-299', 8001)
    await untilPort(watchings[299], 8001)
    expect(proxy.connections).toBe(connections)
  })

  it('loses all watches with the agent, and finds everything when it is back', async () => {
    const lost = watchings.map(async (watching) => watching.until(() => false).catch((error: unknown) => error))
    await running.kill()
    for (const failure of await Promise.all(lost)) expect(failure).toBeInstanceOf(DiscoveryError)
    running = await start()
    await Promise.all(['service-7', 'service-299'].map(async (name) => register(name, 8000)))
    await follow()
    await register('service-8', 8002)
    await untilPort(watchings[8], 8002)
    expect(proxy.connections).toBe(connections)
  })
})
