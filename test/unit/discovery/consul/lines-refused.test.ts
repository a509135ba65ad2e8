import { once } from 'node:events'
import { createServer } from 'node:http'
import { constants, createSecureServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { queryLinesProtocol } from '../../../../src/core/query-lines.ts'
import { consulLimits } from '../../../../src/discovery/consul/options.ts'
import { consul } from '../../../../src/discovery/consul/source.ts'
import { createRegistry } from '../../../../src/registry/registry.ts'
import { seededRandom } from '../../../../src/util/random.ts'
import { consulApi } from '../../../support/consul-api.ts'
import { consulOptions, loopbackCertificate, trustingTls } from '../../../support/consul-discovery.ts'
import { startLineAgent } from '../../../support/line-agent.ts'
import { type Script, serviceRow, startScriptedRegistry } from '../../../support/scripted-registry.ts'
import { watch, type Watching } from '../../../support/watching.ts'

function open(address: string, { linesTimeoutMs = 2000, token = null as string | null } = {}) {
  const discovery = consul(
    consulOptions({ address, token, tls: address.startsWith('https:') ? trustingTls : null }),
    { random: seededRandom(1), onSkipped: () => {} },
    { ...consulLimits, answerTimeoutMs: 5000, multiplexed: { ...consulLimits.multiplexed, linesTimeoutMs } },
  )
  onTestFinished(async () => discovery.close())
  return discovery
}

const askedForRows: Script = ({ index }) => (index === null ? { body: [serviceRow({ id: 'HTTP/1.1' })] } : 'hang')

/** What a registry says that takes lines, or does not, on a port: one instance whose id is that. */
const agents = {
  async lines(port: number) {
    const registry = createRegistry({ port })
    const { address } = await registry.start()
    onTestFinished(async () => registry.close())
    await consulApi(address)('PUT', '/v1/agent/service/register', { Name: 'web', ID: 'lines', Port: 80 })
    return { port: Number(new URL(address).port), close: async () => registry.close() }
  },
  async 'HTTP/1.1'(port: number) {
    const registry = await startScriptedRegistry(askedForRows, undefined, port)
    onTestFinished(async () => registry.close())
    return registry
  },
}

const failureOf = async (watching: Watching): Promise<unknown> => watching.next().catch((error: unknown) => error)

describe('a Consul source whose agent takes no lines', () => {
  it('asks by HTTP/1.1 where lines are not known, after one request that says its token', async () => {
    const registry = await startScriptedRegistry(({ index }) =>
      index === null ? { body: [serviceRow({ id: 'one' })] } : 'hang',
    )
    onTestFinished(async () => registry.close())
    const watching = watch(open(registry.address, { token: 'secret' }), 'web')
    expect(await watching.next()).toMatchObject({ instances: [{ id: 'one' }] })
    const [first, second] = registry.requests
    expect(first).toMatchObject({ path: '/v1/status/leader', headers: { upgrade: queryLinesProtocol } })
    expect([first, second].map((request) => request?.headers['x-consul-token'])).toEqual(['secret', 'secret'])
    expect(second).toMatchObject({ path: '/v1/health/service/web' })
  })

  it('asks by HTTP/1.1 where something else is offered in place of lines', async () => {
    const address = await startLineAgent((stream) => stream.write('hello\n'), 'websocket')
    expect(await watch(open(address), 'web').next()).toMatchObject({ instances: [] })
  })

  it('fails without a look at HTTP/1.1 where nobody listens', async () => {
    const gone = await agents['HTTP/1.1'](0)
    await gone.close()
    const address = `http://127.0.0.1:${gone.port}`
    const failure = await failureOf(watch(open(address), 'web'))
    expect(failure).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining(`can't be reached at ${address} (ECONNREFUSED)`),
    })
  })

  it('fails in time where an agent says nothing to that', async () => {
    const registry = await startScriptedRegistry(() => 'hang')
    onTestFinished(async () => registry.close())
    const limits = { ...consulLimits, answerTimeoutMs: 50 }
    const context = { random: seededRandom(1), onSkipped: () => {} }
    const discovery = consul(consulOptions({ address: registry.address }), context, limits)
    onTestFinished(async () => discovery.close())
    expect(await failureOf(watch(discovery, 'web'))).toMatchObject({ name: 'DiscoveryError', code: 'timeout' })
  })

  it.each([
    { before: 'lines', after: 'HTTP/1.1' },
    { before: 'HTTP/1.1', after: 'lines' },
  ] as const)('goes from $before to $after when the agent comes back so', async ({ before, after }) => {
    const old = await agents[before](0)
    const discovery = open(`http://127.0.0.1:${old.port}`)
    const watching = watch(discovery, 'web')
    expect(await watching.next()).toMatchObject({ instances: [{ id: before }] })
    const lost = failureOf(watching)
    await old.close()
    expect(await lost).toMatchObject({ code: 'unreachable' })
    await agents[after](old.port)
    // Who asks first may find out by failing that it is another one.
    await failureOf(watch(discovery, 'web'))
    expect(await watch(discovery, 'web').next()).toMatchObject({ instances: [{ id: after }] })
  })

  it.each(['closes', 'resets', 'says nonsense to', 'never answers'])(
    'asks by HTTP/1.1 where an agent %s what asks for lines',
    async (how) => {
      const server = createServer((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'x-consul-index': '5' })
        response.end(JSON.stringify([serviceRow({ id: 'web-1' })]))
      })
      const sockets = new Set<Socket>()
      server.on('connection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))))
      server.on('upgrade', (_, socket: Socket) => {
        if (how === 'closes') socket.destroy()
        else if (how === 'resets') socket.resetAndDestroy()
        else if (how !== 'never answers') socket.write('nonsense\r\n\r\n')
        socket.on('error', () => {}).on('end', () => socket.end())
        socket.resume()
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      onTestFinished(async () => {
        for (const socket of sockets) socket.destroy()
        await once(server.close(), 'close')
      })
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const watching = watch(open(address, { linesTimeoutMs: 20 }), 'web')
      expect(await watching.next()).toMatchObject({ instances: [{ id: 'web-1' }] })
      // The one that was asked for lines is gone.
      await expect.poll(() => sockets.size).toBe(1)
    },
  )

  it.each(['refuses', 'answers as if it were a request', 'resets', 'ends without an answer', 'never answers'])(
    'asks by streams where an agent %s what asks for lines',
    async (how) => {
      const server = createSecureServer({ ...loopbackCertificate, settings: { enableConnectProtocol: true } })
      const sessions = new Set<ServerHttp2Session>()
      server.on('session', (session) => sessions.add(session))
      const asked: unknown[] = []
      server.on('stream', (stream, headers) => {
        stream.on('error', () => {})
        asked.push(headers[':protocol'] ?? headers[':path'])
        const said = { ':status': 200, 'content-type': 'application/json', 'x-consul-index': '5' }
        if (headers[':method'] === 'GET') {
          stream.respond(said)
          stream.end(JSON.stringify([serviceRow({ id: 'web-1' })]))
        } else if (how === 'refuses') stream.respond({ ':status': 405 }, { endStream: true })
        else if (how === 'resets') stream.close(constants.NGHTTP2_REFUSED_STREAM)
        else if (how === 'ends without an answer') stream.close(constants.NGHTTP2_CANCEL)
        else if (how !== 'never answers') stream.respond(said)
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      onTestFinished(async () => {
        for (const session of sessions) session.destroy()
        server.close()
        await once(server, 'close')
      })
      const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
      const watching = watch(open(address, { linesTimeoutMs: 20 }), 'web')
      expect(await watching.next()).toMatchObject({ instances: [{ id: 'web-1' }] })
      expect(asked.slice(0, 2)).toEqual([queryLinesProtocol, expect.stringMatching(/^\/v1\/health\/service\/web\?/)])
      expect(sessions.size).toBe(1)
    },
  )
})
