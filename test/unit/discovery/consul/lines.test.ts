import { describe, expect, it, onTestFinished } from 'vitest'
import { consulLimits, type ConsulOptions, type MultiplexedLimits } from '../../../../src/discovery/consul/options.ts'
import { consul } from '../../../../src/discovery/consul/source.ts'
import { createRegistry } from '../../../../src/registry/registry.ts'
import { seededRandom } from '../../../../src/util/random.ts'
import { consulApi } from '../../../support/consul-api.ts'
import {
  consulOptions,
  loopbackAuthority,
  loopbackCertificate,
  trustingTls,
} from '../../../support/consul-discovery.ts'
import { answerOf, startLineAgent } from '../../../support/line-agent.ts'
import { runNode } from '../../../support/run-node.ts'
import { startTcpProxy } from '../../../support/tcp-proxy.ts'
import { watch, type Watching } from '../../../support/watching.ts'

/** The embedded registry behind a proxy, with `s0`, `s1` … of one instance each. */
async function startRegistry({ isSecure = false, services = 1 } = {}) {
  const registry = createRegistry({ port: 0, ...(isSecure && { tls: loopbackCertificate }) })
  const { address } = await registry.start()
  onTestFinished(async () => registry.close())
  const api = consulApi(address, isSecure ? loopbackAuthority.cert : undefined)
  const port = Number(new URL(address).port)
  const proxy = await startTcpProxy(port)
  onTestFinished(async () => proxy.close())
  const register = async (Name: string, Port = 80) =>
    api('PUT', '/v1/agent/service/register', { Name, ID: `${Name}-1`, Port })
  for (let i = 0; i < services; i++) await register(`s${i}`)
  return { registry, port, proxy, register, address: address.replace(`${port}`, `${proxy.port}`) }
}

function open(address: string, multiplexed: Partial<MultiplexedLimits> = {}, said: Partial<ConsulOptions> = {}) {
  const discovery = consul(
    consulOptions({ address, tls: address.startsWith('https:') ? trustingTls : null, ...said }),
    { random: seededRandom(1), onSkipped: () => {} },
    { ...consulLimits, answerTimeoutMs: 5000, multiplexed: { ...consulLimits.multiplexed, ...multiplexed } },
  )
  onTestFinished(async () => discovery.close())
  return discovery
}

const failureOf = async (watching: Watching): Promise<unknown> => watching.next().catch((error: unknown) => error)

describe.each([{ isSecure: false }, { isSecure: true }])(
  'a Consul source whose agent takes lines, TLS $isSecure',
  ({ isSecure }) => {
    it('asks for more services than share polls elsewhere over one connection, and hears of each change', async () => {
      const services = 120
      const { proxy, register, address } = await startRegistry({ isSecure, services })
      const discovery = open(address)
      const watchings = Array.from({ length: services }, (_, i) => watch(discovery, `s${i}`))
      const first = await Promise.all(watchings.map(async (each) => each.next()))
      expect(first.map((answer) => answer?.instances[0]?.id)).toEqual(watchings.map((_, i) => `s${i}-1`))
      expect(proxy.connections).toBe(1)
      for (const i of [7, 110]) {
        const next = watchings[i]?.next()
        await register(`s${i}`, 81)
        expect(await next).toMatchObject({ instances: [{ id: `s${i}-1`, port: 81 }], mayHaveForgotten: false })
      }
    })

    it('notices a connection that gives no sign of life', async () => {
      const { proxy, address } = await startRegistry({ isSecure })
      const watching = watch(open(address, { probeIntervalMs: 20 }), 's0')
      await watching.next()
      const failure = failureOf(watching)
      proxy.fallSilent()
      expect(await failure).toMatchObject({ code: 'unreachable', message: expect.stringContaining('no sign of life') })
    })

    it('goes on over another connection when one has broken', async () => {
      const { registry, register, address } = await startRegistry({ isSecure, services: 2 })
      const discovery = open(address)
      const watchings = [watch(discovery, 's0'), watch(discovery, 's1')]
      await Promise.all(watchings.map(async (each) => each.next()))
      const failures = watchings.map(failureOf)
      registry.fault({ dropConnections: true })
      for (const failure of await Promise.all(failures)) {
        expect(failure).toMatchObject({ name: 'DiscoveryError', code: 'unreachable' })
      }
      const again = watch(discovery, 's1')
      expect(await again.next()).toMatchObject({ instances: [{ id: 's1-1' }] })
      await register('s1', 81)
      expect(await again.next()).toMatchObject({ instances: [{ port: 81 }] })
    })

    it('lets go of a connection that nobody uses, and makes another one', async () => {
      const { proxy, address } = await startRegistry({ isSecure })
      const discovery = open(address, { idleMs: 10 })
      const watching = watch(discovery, 's0')
      await watching.next()
      await watching.stop()
      await expect.poll(() => proxy.connections).toBe(0)
      expect(await watch(discovery, 's0').next()).toMatchObject({ instances: [{ id: 's0-1' }] })
    })

    it('ends its watches and its connection when it is closed', async () => {
      const { proxy, address } = await startRegistry({ isSecure })
      const discovery = open(address)
      const watching = watch(discovery, 's0')
      await watching.next()
      await discovery.close()
      expect(await watching.next()).toBeNull()
      await expect.poll(() => proxy.connections).toBe(0)
    })

    it('does not keep a process alive that waits for nothing but a change', async () => {
      const { address } = await startRegistry({ isSecure })
      const source = new URL('../../../../src/discovery/consul/source.ts', import.meta.url)
      const options = consulOptions({ address, tls: isSecure ? trustingTls : null })
      const program = `
        import { consul } from ${JSON.stringify(source)}
        const source = consul(${JSON.stringify(options)}, { random: Math.random, onSkipped: () => {} })
        const answers = source.watch('s0', new AbortController().signal)[Symbol.asyncIterator]()
        console.log((await answers.next()).value.instances[0].id)
        void answers.next()`
      expect(await runNode(program)).toBe('s0-1\n')
    })

    it('has services share polls where there are more of them than lines', async () => {
      const { proxy, register, address } = await startRegistry({ isSecure, services: 12 })
      const discovery = open(address, { maxConnections: 1, maxLines: 14, maxFirstReads: 4 })
      const watchings = Array.from({ length: 12 }, (_, i) => watch(discovery, `s${i}`))
      await Promise.all(watchings.map(async (each) => each.next()))
      expect(proxy.connections).toBe(1)
      const next = watchings[5]?.next()
      await register('s5', 81)
      expect(await next).toMatchObject({ instances: [{ port: 81 }] })
    })
  },
)

describe('a Consul source on a connection for lines', () => {
  it.each([
    ['is no JSON', 'nonsense', /JSON/],
    ['is no answer', '{"id":"1"}', /it sent \{"id":"1"\}, which is no answer/],
    ['has less than no bytes', '{"id":1,"status":200,"headers":{},"bytes":-1}', /which is no answer/],
    ['is too long', '{"id":1,"status":200,"headers":{},"bytes":999999999999}', /the answer is larger than/],
  ])('lets go of a connection on which a line %s', async (_, line, said) => {
    const address = await startLineAgent((stream) => {
      stream.once('data', () => stream.write(`${line}\n`))
    })
    expect(await failureOf(watch(open(address), 'web'))).toMatchObject({
      name: 'DiscoveryError',
      code: 'unreachable',
      message: expect.stringMatching(said),
    })
  })

  it('tells why a connection broke', async () => {
    const address = await startLineAgent((stream) => stream.once('data', () => stream.resetAndDestroy()))
    const failure = await failureOf(watch(open(address), 'web'))
    expect(failure).toMatchObject({ code: 'unreachable', message: expect.stringContaining('ECONNRESET') })
  })

  it('connects once, and says so, where nonsense comes with the connection itself', async () => {
    let connections = 0
    const address = await startLineAgent((stream) => {
      connections++
      stream.write('nonsense\n')
    })
    const discovery = open(address)
    const failures = await Promise.all(['a', 'b'].map(async (name) => failureOf(watch(discovery, name))))
    for (const failure of failures) expect(failure).toMatchObject({ name: 'DiscoveryError', code: 'unreachable' })
    expect(connections).toBe(1)
  })

  it('keeps a connection that answers its probes', async () => {
    let probes = 0
    const address = await startLineAgent((stream) => {
      stream.on('data', (chunk: Buffer) => {
        if (chunk.toString() === '\n') stream.write(++probes === 10 ? answerOf(1) : '\n')
      })
    })
    expect(await watch(open(address, { probeIntervalMs: 10 }), 'web').next()).toMatchObject({ position: 5 })
  })

  it('keeps a connection on which a body comes slowly', async () => {
    const answer = answerOf(1)
    let sent = 0
    const address = await startLineAgent((stream) => {
      stream.on('data', (chunk: Buffer) => {
        if (chunk.toString() !== '\n') return
        const next = answer.slice(sent, sent + Math.ceil(answer.length / 10))
        sent += next.length
        stream.write(next)
      })
    })
    expect(await watch(open(address, { probeIntervalMs: 10 }), 'web').next()).toMatchObject({ position: 5 })
  })

  it('has the path prefix of its address in the request, and none in lines', async () => {
    const lines: string[] = []
    const asked: (string | undefined)[] = []
    const address = await startLineAgent((stream, request) => {
      asked.push(request.url)
      stream.once('data', (chunk: Buffer) => {
        lines.push(chunk.toString())
        stream.write(answerOf(1))
      })
    })
    await watch(open(`${address}/consul/`), 'web').next()
    expect(asked).toEqual(['/consul/v1/status/leader'])
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ path: expect.stringMatching(/^\/v1\/health\/service\/web\?/) })
  })

  it('passes over an answer that nobody waits for', async () => {
    const address = await startLineAgent((stream) => {
      stream.once('data', () => stream.write(answerOf(99) + answerOf(1)))
    })
    expect(await watch(open(address), 'web').next()).toMatchObject({ instances: [{ id: 'web-1' }], position: 5 })
  })

  it('says that an answer is not wanted any more', async () => {
    const lines: string[] = []
    const heard = Promise.withResolvers<void>()
    const address = await startLineAgent((stream) => {
      stream.on('data', (chunk: Buffer) => {
        lines.push(...chunk.toString().trimEnd().split('\n'))
        if (lines.length === 2) heard.resolve()
      })
    })
    const watching = watch(open(address), 'web')
    const first = watching.next()
    await expect.poll(() => lines.length).toBe(1)
    const stopped = watching.stop()
    await heard.promise
    await Promise.all([first, stopped])
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      { id: 1, path: expect.stringMatching(/^\/v1\/health\/service\/web\?stale=/) },
      { id: 1 },
    ])
  })
})
