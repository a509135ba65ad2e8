import { createServer, type Server } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import { addHealthService } from '../../src/join/grpc/health-service.ts'
import type { HealthReport } from '../../src/join/registration.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../support/consul-api.ts'
import { startConsul } from '../support/consul.ts'

interface CheckJson {
  CheckID: string
  Type: string
  Status: string
  Output: string
}

const started = {
  'a real Consul': async () => {
    const consul = await startConsul()
    return { api: consul.api, interval: '1s', close: async () => consul.stop() }
  },
  'the embedded registry': async () => {
    const registry = createRegistry({ port: 0, minCheckIntervalMs: 20 })
    const { address } = await registry.start()
    return { api: consulApi(address), interval: '20ms', close: async () => registry.close() }
  },
}

describe.each(Object.entries(started))('blocking queries and checks of %s', (_, start) => {
  let api: ConsulApi
  /** The shortest there is. */
  let interval: string
  let close: () => Promise<void>

  beforeAll(async () => {
    ;({ api, interval, close } = await start())
  })

  afterAll(async () => close())

  async function indexOf(path: string): Promise<string> {
    return (await api('GET', path)).headers.get('x-consul-index') ?? ''
  }

  async function waitForStatus(service: string, status: string): Promise<CheckJson> {
    for (let index = '0'; ;) {
      const answer = await api<CheckJson[]>('GET', `/v1/health/checks/${service}?index=${index}&wait=10s`)
      const check = answer.json?.[0]
      if (check?.Status === status) return check
      index = answer.headers.get('x-consul-index') ?? '0'
    }
  }

  const grpcCheck = (GRPC: string, Status = 'critical') => ({ GRPC, Interval: interval, Timeout: '2s', Status })

  it('end on an absent service when its first instance comes, and when its last one goes', async () => {
    const path = '/v1/health/service/comes-and-goes'
    const coming = api<unknown[]>('GET', `${path}?index=${await indexOf(path)}&wait=60s`)
    await api('PUT', '/v1/agent/service/register', { Name: 'comes-and-goes' })
    expect((await coming).json).toHaveLength(1)
    const going = api<unknown[]>('GET', `${path}?index=${await indexOf(path)}&wait=60s`)
    await api('PUT', '/v1/agent/service/deregister/comes-and-goes')
    expect((await going).json).toEqual([])
  })

  it('end with the same index when the wait is over', async () => {
    const path = '/v1/health/service/consul'
    const index = await indexOf(path)
    const answer = await api('GET', `${path}?index=${index}&wait=20ms`)
    expect([answer.status, answer.headers.get('x-consul-index')]).toEqual([200, index])
  })

  it('are answered at once when the index has long passed the one asked about', async () => {
    const path = '/v1/health/service/consul'
    const answer = await api('GET', `${path}?index=1&wait=10m`)
    expect(answer.status).toBe(200)
  })

  describe('HTTP checks', () => {
    let origin: Server
    let url: string
    let status = 200
    const asked: string[] = []

    beforeAll(async () => {
      origin = createServer((request, response) => {
        asked.push([request.method, request.headers['user-agent'], request.headers['x-check']].join(' '))
        response.writeHead(status).end('as told')
      }).listen(0, '127.0.0.1')
      await once(origin, 'listening')
      const address = origin.address()
      url = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/health`
    })

    afterAll(() => {
      origin.closeAllConnections()
      origin.close()
    })

    it('follow what the service answers, in the same words', async () => {
      await api('PUT', '/v1/agent/service/register', {
        Name: 'web',
        Check: { HTTP: url, Method: 'POST', Header: { 'X-Check': ['yes'] }, Interval: interval, Timeout: '2s' },
      })
      const seen: string[] = []
      for (const [code, expected] of [
        [204, 'passing'],
        [429, 'warning'],
        [503, 'critical'],
      ] as const) {
        status = code
        seen.push((await waitForStatus('web', expected)).Output)
      }
      status = 200
      seen.push((await waitForStatus('web', 'passing')).Output)
      origin.closeAllConnections()
      origin.close()
      seen.push((await waitForStatus('web', 'critical')).Output)
      expect(seen).toEqual([
        `HTTP POST ${url}: 204 No Content Output: `,
        `HTTP POST ${url}: 429 Too Many Requests Output: as told`,
        `HTTP POST ${url}: 503 Service Unavailable Output: as told`,
        `HTTP POST ${url}: 200 OK Output: as told`,
        `Post "${url}": dial tcp ${new URL(url).host}: connect: connection refused`,
      ])
      expect(new Set(asked)).toEqual(new Set(['POST Consul Health Check yes']))
    })
  })

  it.concurrent('tell whether a TCP connection can be made', async () => {
    const listener = createTcpServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    const Check = { TCP: `127.0.0.1:${port}`, Interval: interval, Timeout: '1s' }
    await api('PUT', '/v1/agent/service/register', { Name: 'tcp', Check })
    const up = await waitForStatus('tcp', 'passing')
    listener.close()
    const down = await waitForStatus('tcp', 'critical')
    expect([up.Type, up.Output]).toEqual(['tcp', `TCP connect 127.0.0.1:${port}: Success`])
    // The other one where the connection waited to be accepted as the listener closed.
    expect([`dial tcp 127.0.0.1:${port}: connect: connection refused`, 'EOF']).toContain(down.Output)
  })

  it.concurrent("tell what a server's gRPC health service says of it and of its services", async () => {
    let status: HealthReport['status'] = 'passing'
    const server = new GrpcServer()
    addHealthService(server, { report: () => ({ status, note: '' }) }, ['users'])
    const port = await promisify(server.bindAsync.bind(server))('127.0.0.1:0', ServerCredentials.createInsecure())
    const address = `127.0.0.1:${port}`
    await api('PUT', '/v1/agent/service/register', { Name: 'grpc', Check: grpcCheck(`${address}/users`) })
    await api('PUT', '/v1/agent/service/register', { Name: 'whole', Check: grpcCheck(address) })
    const refused = '127.0.0.1:1'
    await api('PUT', '/v1/agent/service/register', { Name: 'down', Check: grpcCheck(refused, 'passing') })
    await api('PUT', '/v1/agent/service/register', {
      Name: 'strange',
      Check: grpcCheck(`${address}/strangers`, 'passing'),
    })
    const up = await waitForStatus('grpc', 'passing')
    const whole = await waitForStatus('whole', 'passing')
    const strange = await waitForStatus('strange', 'critical')
    status = 'critical'
    const notServing = await waitForStatus('grpc', 'critical')
    const down = await waitForStatus('down', 'critical')
    server.forceShutdown()
    expect([up.Type, ...[up, whole, strange, notServing, down].map(({ Output }) => Output)]).toEqual([
      'grpc',
      `gRPC check ${address}/users: success`,
      `gRPC check ${address}: success`,
      'rpc error: code = NotFound desc = no service strangers here',
      "gRPC application didn't report service healthy",
      `rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing dial tcp ${refused}: connect: connection refused"`,
    ])
  })

  it.concurrent('tell that a TTL ran out, with what the service said last', async () => {
    await api('PUT', '/v1/agent/service/register', { Name: 'silent', Check: { TTL: '200ms' } })
    await api('PUT', '/v1/agent/check/pass/service:silent?note=good%20bye')
    await waitForStatus('silent', 'passing')
    const expired = await waitForStatus('silent', 'critical')
    expect(expired.Output).toBe('TTL expired (last output before timeout follows): good bye')
  })
})
