import { once } from 'node:events'
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRegistry, type Registry } from '../../../src/registry/registry.ts'
import { Authority } from '../../support/certificates.ts'
import { consulApi, type ConsulApi } from '../../support/consul-api.ts'

const serving = Buffer.from([0, 0, 0, 0, 2, 8, 1])

function answering(answer: (stream: ServerHttp2Stream) => void): Http2Server {
  return createServer().on('stream', answer)
}

describe('gRPC checks of the registry', () => {
  let registry: Registry
  let api: ConsulApi
  let server: Http2Server | Server | undefined

  beforeEach(async () => {
    registry = createRegistry({ port: 0, minCheckIntervalMs: 5 })
    api = consulApi((await registry.start()).address)
  })

  afterEach(async () => {
    await registry.close()
    server?.close()
  })

  async function listen(listening: Http2Server | Server): Promise<string> {
    server = listening.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async function outcome(check: object): Promise<[string, string]> {
    await api('PUT', '/v1/agent/service/register', { Name: 'web', Check: { Interval: '5ms', Timeout: '5s', ...check } })
    for (;;) {
      // What a check says while its status stays is known to the agent alone.
      const { json } = await api<Record<string, { Status: string; Output: string }>>('GET', '/v1/agent/checks')
      const { Status = '', Output = '' } = json?.['service:web'] ?? {}
      if (Output) return [Status, Output]
    }
  }

  it('fail at a host that no URL can have', async () => {
    const [status, output] = await outcome({ GRPC: 'a%b.localhost:80' })
    expect([status, output]).toEqual(['critical', expect.stringContaining('no such host')])
  })

  it('ask for the service they were told, however long its name is', async () => {
    const name = 'a.very.long.Service'.repeat(20)
    const { promise: asked, resolve } = Promise.withResolvers<unknown[]>()
    const address = await listen(
      answering((stream) => {
        stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        stream.once('data', (bytes: Buffer) => {
          resolve([
            stream.sentHeaders[':status'],
            bytes.readUInt32BE(1),
            bytes.subarray(5, 8),
            bytes.subarray(8).toString(),
          ])
          stream.end(serving)
        })
      }),
    )
    expect(await outcome({ GRPC: `${address}/${name}` })).toEqual(['passing', `gRPC check ${address}/${name}: success`])
    // A varint of two bytes: 380 = 0b10_1111100.
    expect(await asked).toEqual([200, name.length + 3, Buffer.from([0x0a, 0xfc, 0x02]), name])
  })

  it.each([
    [
      'a status in the only head',
      { 'grpc-status': '12', 'grpc-message': 'no%20health' },
      'code = Unimplemented desc = no health',
    ],
    [
      'a web page',
      { ':status': 404, 'content-type': 'text/html' },
      'code = Unknown desc = no grpc-status with HTTP status 404',
    ],
    ['a status that gRPC does not have', { 'grpc-status': '99' }, 'code = Code(99) desc = '],
    ['a message that is badly encoded', { 'grpc-status': '2', 'grpc-message': '%zz' }, 'code = Unknown desc = %zz'],
  ])('fail at %s', async (_, headers, expected) => {
    const address = await listen(answering((stream) => stream.respond(headers, { endStream: true })))
    expect(await outcome({ GRPC: address })).toEqual(['critical', `rpc error: ${expected}`])
  })

  it('fail at a server that never ends its answer', async () => {
    const address = await listen(
      answering((stream) => {
        stream.respond()
        stream.on('error', () => {}).write(Buffer.alloc(64 * 1024))
      }),
    )
    expect(await outcome({ GRPC: address })).toEqual(['critical', expect.stringContaining('the answer is too long')])
  })

  it('fail at silence, at the timeout', async () => {
    const address = await listen(createTcpServer((socket) => socket.on('error', () => {}).resume()))
    expect(await outcome({ GRPC: address, Timeout: '20ms' })).toEqual([
      'critical',
      'rpc error: code = DeadlineExceeded desc = context deadline exceeded',
    ])
  })

  it('speak TLS where they are told to, and look at certificates unless told not to', async () => {
    const certificate = Authority.create('of the test').issue({ names: ['localhost'] })
    const address = await listen(
      createSecureServer({ cert: certificate.cert, key: certificate.key }).on('stream', (stream) => {
        stream.respond({}, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        stream.end(serving)
      }),
    )
    const check = { GRPC: address, GRPCUseTLS: true }
    expect(await outcome({ ...check, TLSSkipVerify: true })).toEqual(['passing', `gRPC check ${address}: success`])
    await api('PUT', '/v1/agent/service/deregister/web')
    expect(await outcome(check)).toEqual(['critical', expect.stringContaining('unable to verify')])
  })
})
