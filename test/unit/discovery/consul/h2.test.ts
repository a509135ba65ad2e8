import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { consulLimits, type ConsulOptions, type MultiplexedLimits } from '../../../../src/discovery/consul/options.ts'
import { consul } from '../../../../src/discovery/consul/source.ts'
import { seededRandom } from '../../../../src/util/random.ts'
import { Authority } from '../../../support/certificates.ts'
import { consulOptions, loopbackCertificate, trustingTls } from '../../../support/consul-discovery.ts'
import { startMovingAgent } from '../../../support/moving-agent.ts'
import { runNode } from '../../../support/run-node.ts'
import { type ScriptedRegistry, serviceRow, startScriptedRegistry } from '../../../support/scripted-registry.ts'
import { startTcpProxy } from '../../../support/tcp-proxy.ts'
import { watch, type Watching } from '../../../support/watching.ts'

const shared = ['/v1/catalog/services', '/v1/health/state/any']

function open(address: string, h2: Partial<MultiplexedLimits> = {}, said: Partial<ConsulOptions> = {}) {
  const discovery = consul(
    consulOptions({ address, tls: trustingTls, ...said }),
    { random: seededRandom(1), onSkipped: () => {} },
    { ...consulLimits, answerTimeoutMs: 5000, multiplexed: { ...consulLimits.multiplexed, ...h2 } },
  )
  onTestFinished(async () => discovery.close())
  return discovery
}

function watchMany(discovery: ReturnType<typeof open>, count: number): Watching[] {
  return Array.from({ length: count }, (_, i) => watch(discovery, `s${i}`))
}

const nextOf = async (watchings: readonly Watching[]) => Promise.all(watchings.map((each) => each.next()))
const failureOf = async (watching: Watching): Promise<unknown> => watching.next().catch((error: unknown) => error)

async function allClosed(registry: ScriptedRegistry): Promise<void> {
  await Promise.all([...registry.sockets].map(async (socket) => once(socket, 'close')))
}

describe('a Consul source whose agent offers HTTP/2', () => {
  it('gives each of many services a query of its own, in as many streams as the agent allows', async () => {
    const { agent, registry } = await startMovingAgent({ settings: { maxConcurrentStreams: 50 } })
    const watchings = watchMany(open(registry.address), 220)
    await nextOf(watchings)
    await agent.untilWaiting(220)
    const perConnection = new Map<unknown, number>()
    for (const { session } of agent.waiting.keys()) perConnection.set(session, (perConnection.get(session) ?? 0) + 1)
    expect([...perConnection.values()].toSorted((a, b) => a - b)).toEqual([20, 50, 50, 50, 50])
    expect(registry.sockets.size).toBe(5)
    expect(agent.requests.map(({ path }) => path).filter((path) => shared.includes(path))).toEqual([])
    const next = nextOf(watchings)
    agent.move()
    expect((await next).map((answer) => answer?.instances[0]?.id)).toEqual(watchings.map((_, i) => `s${i}-2`))
  })

  it('has services share polls where all streams together are too few', async () => {
    const { agent, registry } = await startMovingAgent({ settings: { maxConcurrentStreams: 10 } })
    const discovery = open(registry.address, { maxConnections: 2, maxFirstReads: 4 })
    await nextOf(watchMany(discovery, 16))
    await agent.untilWaiting(16)
    await nextOf([watch(discovery, 'one-more')])
    await agent.untilWaiting(2)
    expect(agent.waitingPaths).toEqual(shared)
    expect(registry.sockets.size).toBeLessThanOrEqual(2)
  })

  it('asks a bounded number of first questions at once', async () => {
    let [underWay, most] = [0, 0]
    const answering = Promise.withResolvers<void>()
    const registry = await startScriptedRegistry(async ({ index, session }) => {
      if (index !== null) return 'hang'
      most = Math.max(most, ++underWay)
      // What was sent with them has come when the client answers this.
      if (underWay === 7) session?.ping(() => answering.resolve())
      await answering.promise
      underWay--
      return { body: [serviceRow({ id: 'one' })] }
    }, loopbackCertificate)
    onTestFinished(async () => registry.close())
    await nextOf(watchMany(open(registry.address, { maxFirstReads: 7 }), 100))
    expect(most).toBe(7)
  })

  it('finishes what is under way on a connection that is going away, and goes on over another', async () => {
    const { agent, registry } = await startMovingAgent()
    const watching = watch(open(registry.address), 's')
    await watching.next()
    await agent.untilWaiting(1)
    const [first] = registry.sessions
    first?.goaway(0)
    // The client has read it when it answers this.
    await new Promise((resolve) => first?.ping(resolve))
    agent.move()
    expect(await watching.next()).toMatchObject({ instances: [{ id: 's-2' }], mayHaveForgotten: false })
    await agent.untilWaiting(1)
    expect([...agent.waiting.keys()][0]?.session === first).toBe(false)
  })

  it('gives a new watch another connection while the only one that there may be is going away', async () => {
    const { agent, registry } = await startMovingAgent()
    const discovery = open(registry.address, { maxConnections: 1 })
    await watch(discovery, 's').next()
    await agent.untilWaiting(1)
    const [first] = registry.sessions
    first?.goaway(0)
    await new Promise((resolve) => first?.ping(resolve))
    expect(await watch(discovery, 'late').next()).toMatchObject({ instances: [{ id: 'late-1' }] })
    await agent.untilWaiting(2)
    expect(registry.sockets.size).toBe(2)
  })

  it('loses with a connection only the watches that have their streams there', async () => {
    const { agent, registry } = await startMovingAgent()
    const discovery = open(registry.address, { maxStreams: 3 })
    const watchings = watchMany(discovery, 6)
    await nextOf(watchings)
    await agent.untilWaiting(6)
    const [doomed] = registry.sessions
    const lost = [...agent.waiting.keys()].filter(({ session }) => session === doomed).map(({ path }) => path)
    const isLost = (i: number) => lost.includes(`/v1/health/service/s${i}`)
    const outcomes = watchings.map(failureOf)
    doomed?.destroy()
    const failures = await Promise.all(outcomes.filter((_, i) => isLost(i)))
    expect(failures).toHaveLength(3)
    for (const failure of failures) expect(failure).toMatchObject({ name: 'DiscoveryError', code: 'unreachable' })
    agent.move()
    const others = await Promise.all(outcomes.filter((_, i) => !isLost(i)))
    for (const answer of others) expect(answer).toMatchObject({ instances: [{ port: 80 }] })
    expect(await watch(discovery, 's0').next()).toMatchObject({ instances: [{ id: 's0-2' }] })
  })

  it('notices a connection that gives no sign of life', async () => {
    const { agent, registry } = await startMovingAgent()
    const proxy = await startTcpProxy(registry.port)
    onTestFinished(async () => proxy.close())
    const watching = watch(open(`https://127.0.0.1:${proxy.port}`, { probeIntervalMs: 20 }), 's')
    await watching.next()
    await agent.untilWaiting(1)
    const failure = failureOf(watching)
    proxy.fallSilent()
    expect(await failure).toMatchObject({ code: 'unreachable', message: expect.stringContaining('no sign of life') })
  })

  it('lets go of a connection on which nonsense comes', async () => {
    const { agent, registry } = await startMovingAgent()
    const proxy = await startTcpProxy(registry.port)
    onTestFinished(async () => proxy.close())
    const discovery = open(`https://127.0.0.1:${proxy.port}`, { maxConnections: 1 })
    const watching = watch(discovery, 's')
    await watching.next()
    await agent.untilWaiting(1)
    const failure = failureOf(watching)
    proxy.garble()
    expect(await failure).toMatchObject({ name: 'DiscoveryError', code: 'unreachable' })
    expect(await watch(discovery, 's').next()).toMatchObject({ instances: [{ id: 's-1' }] })
  })

  it('lets go of a connection that nobody uses, and makes another one', async () => {
    const { registry } = await startMovingAgent()
    const discovery = open(registry.address, { idleMs: 10 })
    const watching = watch(discovery, 's')
    await watching.next()
    const closed = allClosed(registry)
    await watching.stop()
    await closed
    expect(await watch(discovery, 's').next()).toMatchObject({ instances: [{ id: 's-1' }] })
  })

  it('ends all streams and connections when it is closed', async () => {
    const { agent, registry } = await startMovingAgent({ settings: { maxConcurrentStreams: 20 } })
    const discovery = open(registry.address)
    const watchings = watchMany(discovery, 50)
    await nextOf(watchings)
    await agent.untilWaiting(50)
    const closed = allClosed(registry)
    await discovery.close()
    await closed
    expect(await nextOf(watchings)).toEqual(watchings.map(() => null))
  })

  it('does not keep a process alive that has stopped watching', async () => {
    const { registry } = await startMovingAgent()
    const source = new URL('../../../../src/discovery/consul/source.ts', import.meta.url)
    const options = consulOptions({ address: registry.address, tls: trustingTls })
    const program = `
      import { consul } from ${JSON.stringify(source)}
      const source = consul(${JSON.stringify(options)}, { random: Math.random, onSkipped: () => {} })
      for await (const { instances } of source.watch('s', new AbortController().signal)) {
        console.log(instances[0].id)
        break
      }`
    expect(await runNode(program)).toBe('s-1\n')
  })

  it('connects once for all who come together while the agent is away', async () => {
    let attempts = 0
    const deaf = createServer((socket) => {
      attempts++
      socket.destroy()
    }).listen(0, '127.0.0.1')
    await once(deaf, 'listening')
    onTestFinished(async () => void (await once(deaf.close(), 'close')))
    const { port } = deaf.address() as { port: number }
    const failures = await Promise.all(watchMany(open(`https://127.0.0.1:${port}`), 300).map(failureOf))
    for (const failure of failures) expect(failure).toMatchObject({ name: 'DiscoveryError', code: 'unreachable' })
    expect(attempts).toBe(1)
  })

  it('finds all of it again when an agent that was gone is back', async () => {
    const { agent, registry } = await startMovingAgent()
    const discovery = open(registry.address)
    const watchings = watchMany(discovery, 120)
    await nextOf(watchings)
    await agent.untilWaiting(120)
    const lost = Promise.all(watchings.map(failureOf))
    await registry.close()
    for (const failure of await lost) expect(failure).toMatchObject({ name: 'DiscoveryError', code: 'unreachable' })
    const refused = await Promise.all(watchMany(discovery, 120).map(failureOf))
    for (const failure of refused) expect(failure).toMatchObject({ name: 'DiscoveryError', code: 'unreachable' })
    const again = await startMovingAgent({}, registry.port)
    await nextOf(watchMany(discovery, 120))
    await again.agent.untilWaiting(120)
    expect(again.registry.sockets.size).toBe(1)
  })

  it('says so where it does not believe the certificate', async () => {
    const { registry } = await startMovingAgent()
    const ca = Authority.create('somebody else').cert
    const failure = await failureOf(watch(open(registry.address, {}, { tls: { ...trustingTls, ca } }), 's'))
    expect(failure).toMatchObject({ code: 'unreachable', message: expect.stringMatching(/tls` fits$/) })
    const wrongName = { ...trustingTls, servername: 'consul.example.com' }
    const other = await failureOf(watch(open(registry.address, {}, { tls: wrongName }), 's'))
    expect(other).toMatchObject({ code: 'unreachable', message: expect.stringContaining('ALTNAME') })
  })

  it('shows its certificate to an agent that asks for one', async () => {
    const { registry } = await startMovingAgent({ requestCert: true, rejectUnauthorized: true, ca: trustingTls.ca })
    const tls = { ...trustingTls, keyPair: loopbackCertificate }
    expect(await watch(open(registry.address, {}, { tls }), 's').next()).toMatchObject({ instances: [{ id: 's-1' }] })
    const refused = await failureOf(watch(open(registry.address), 's'))
    expect(refused).toMatchObject({ code: 'unreachable', message: expect.stringContaining('CERTIFICATE_REQUIRED') })
  })
})

describe('a Consul source whose agent has TLS without HTTP/2', () => {
  it('reads it over HTTP/1.1, and has many services share polls', async () => {
    const { agent, registry } = await startMovingAgent({ isWithoutH2: true })
    await nextOf(watchMany(open(registry.address), 120))
    await agent.untilWaiting(2)
    expect(new Set(agent.requests.map(({ httpVersion }) => httpVersion))).toEqual(new Set(['1.1']))
    expect(agent.waitingPaths).toEqual(shared)
  })

  it.each([
    { before: '1.1', after: '2.0' },
    { before: '2.0', after: '1.1' },
  ])('goes from HTTP/$before to HTTP/$after when the agent comes back so', async ({ before, after }) => {
    const old = await startMovingAgent({ isWithoutH2: before === '1.1' })
    const discovery = open(old.registry.address)
    const watchings = watchMany(discovery, 120)
    await nextOf(watchings)
    await old.agent.untilWaiting(before === '1.1' ? 2 : 120)
    const lost = Promise.all(watchings.map(failureOf))
    await old.registry.close()
    await lost
    const { agent } = await startMovingAgent({ isWithoutH2: after === '1.1' }, old.registry.port)
    // Who asks first may find out by failing that it is another one.
    await failureOf(watch(discovery, 'first'))
    await nextOf(watchMany(discovery, 120))
    await agent.untilWaiting(after === '1.1' ? 2 : 121)
    expect([...agent.waiting.keys()].every(({ httpVersion }) => httpVersion === after)).toBe(true)
  })
})
