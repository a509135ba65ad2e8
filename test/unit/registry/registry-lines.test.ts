import { once } from 'node:events'
import { type ClientHttp2Stream, connect, type IncomingHttpStatusHeader } from 'node:http2'
import { type IncomingMessage, request } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Duplex, duplexPair } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { maxQueryLineBytes, queryLinesProtocol } from '../../../src/core/query-lines.ts'
import { FaultTable } from '../../../src/registry/faults/fault-table.ts'
import type { ServeOptions } from '../../../src/registry/http/answer.ts'
import type { Operation } from '../../../src/registry/http/operation.ts'
import { serveQueryLines } from '../../../src/registry/http/query-lines.ts'
import { createRegistry, type RegistryOptions } from '../../../src/registry/registry.ts'
import { consulApi } from '../../support/consul-api.ts'
import { loopbackAuthority, loopbackCertificate } from '../../support/consul-discovery.ts'
import { askForLines, LineClient } from '../../support/line-client.ts'

async function startRegistry(options: RegistryOptions = {}) {
  const registry = createRegistry({ port: 0, ...options })
  const { address } = await registry.start()
  onTestFinished(async () => registry.close())
  const api = consulApi(address, options.tls === undefined ? undefined : loopbackAuthority.cert)
  return { registry, address, api, register: async (Name: string) => register(api, Name) }
}

const register = async (api: ReturnType<typeof consulApi>, Name: string) =>
  api('PUT', '/v1/agent/service/register', { Name, ID: `${Name}-1`, Port: 80 })

async function open(address: string): Promise<LineClient> {
  const client = await LineClient.connect(address)
  onTestFinished(() => client.close())
  return client
}

async function statusOf(stream: ClientHttp2Stream): Promise<number | undefined> {
  return ((await once(stream, 'response'))[0] as IncomingHttpStatusHeader)[':status']
}

function servingOne(answer: Operation['answer']): ServeOptions {
  const faults = new FaultTable({ loseLeader: () => () => {}, resetIndex() {}, forget() {}, dropConnections() {} })
  return { operations: [{ method: 'GET', path: '/v1/said', takesName: true, answer }], isOnLoopback: true, faults }
}

/** Lines to one operation, over a pair of streams without a network between. */
function serving(answer: Operation['answer']): LineClient {
  const [near, far] = duplexPair()
  serveQueryLines(far, servingOne(answer))
  onTestFinished(() => void near.destroy())
  return new LineClient(near)
}

describe('queries as lines', () => {
  it('are answered as requests are: status, fields and body', async () => {
    const { address, register: registers } = await startRegistry()
    await registers('web')
    const client = await open(address)
    for (const path of ['/v1/health/service/web', '/v1/catalog/services?stale', '/v1/nowhere', '/v1/health/service/']) {
      client.send({ id: 1, path })
      const response = await fetch(address + path)
      const headers = Object.fromEntries(response.headers)
      const came = await client.next()
      expect(came).toMatchObject({ id: 1, status: response.status, body: await response.text() })
      if (came === null || came === 'sign') throw new Error('no answer')
      expect(headers).toMatchObject(came.headers)
    }
  })

  it('are answered each when it can be, whatever was asked before', async () => {
    const { address, api, register: registers } = await startRegistry()
    await registers('web')
    await registers('api')
    const client = await open(address)
    client.send({ id: 7, path: '/v1/health/service/web' })
    const first = await client.next()
    if (first === null || first === 'sign') throw new Error('no answer')
    const index = Number(first.headers['x-consul-index'])
    client.send({ id: 8, path: `/v1/health/service/web?index=${index + 1}&wait=5m` })
    client.send({ id: 9, path: `/v1/health/service/api?index=${index + 1}&wait=5m` })
    client.send('')
    expect(await client.next()).toBe('sign')
    await api('PUT', '/v1/agent/service/deregister/api-1')
    expect(await client.next()).toMatchObject({ id: 9, status: 200 })
    await api('PUT', '/v1/agent/service/deregister/web-1')
    expect(await client.next()).toMatchObject({ id: 8, status: 200, body: '[]' })
  })

  it('come by HTTP/2, too', async () => {
    const { address, register: registers } = await startRegistry({ tls: loopbackCertificate })
    await registers('web')
    const session = connect(address, { ca: loopbackAuthority.cert })
    onTestFinished(() => session.destroy())
    await once(session, 'remoteSettings')
    expect(session.remoteSettings.enableConnectProtocol).toBe(true)
    const ask = (said: object) =>
      session.request({ ':method': 'CONNECT', ':path': '/v1/status/leader', ...said }, { endStream: false })
    const stream = ask({ ':protocol': queryLinesProtocol })
    expect(await statusOf(stream)).toBe(200)
    const client = new LineClient(stream)
    client.send({ id: 1, path: '/v1/health/service/web' })
    expect(await client.next()).toMatchObject({ id: 1, status: 200 })
    expect(await statusOf(ask({ ':protocol': 'websocket' }))).toBe(501)
    const foreign = { ':protocol': queryLinesProtocol, ':authority': 'evil.example' }
    expect(await statusOf(ask(foreign))).toBe(403)
  })

  it('are not answered when they are not wanted any more, and their ids are free again', async () => {
    const signals: AbortSignal[] = []
    const client = serving(async ({ name, signal }) => {
      signals.push(signal)
      if (name === 'late') await once(signal, 'abort')
      return { json: name }
    })
    client.send({ id: 1, path: '/v1/said/late' })
    client.send({ id: 1 })
    client.send({ id: 2 })
    client.send({ id: 1, path: '/v1/said/soon' })
    expect(await client.next()).toMatchObject({ id: 1, body: '"soon"' })
    client.send('')
    expect(await client.next()).toBe('sign')
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  })

  it('are let go of when the connection ends', async () => {
    const waits = Promise.withResolvers<AbortSignal>()
    const client = serving(async ({ signal }) => {
      waits.resolve(signal)
      await once(signal, 'abort')
      return { json: [] }
    })
    client.send({ id: 1, path: '/v1/said' })
    const signal = await waits.promise
    const aborted = once(signal, 'abort')
    client.stream.end()
    await aborted
    expect(await client.next()).toBeNull()
  })

  it('that come soon after an answer are answered together, and none is left', async () => {
    const { address, register: registers } = await startRegistry()
    for (let i = 0; i < 100; i++) await registers(`service-${i}`)
    const client = await open(address)
    for (let id = 0; id < 100; id++) client.send({ id, path: `/v1/health/service/service-${id}` })
    for (let id = 0; id < 100; id++)
      expect(await client.next()).toMatchObject({ id, body: expect.stringContaining(`"service-${id}-1"`) })
  })

  it('of a client that does not read wait until it does', async () => {
    const [near, far] = duplexPair()
    onTestFinished(() => void near.destroy())
    let answered = 0
    const answer = () => {
      answered++
      return { json: 'x'.repeat(100_000) }
    }
    serveQueryLines(far, servingOne(answer))
    const paused = once(far, 'pause')
    near.write('{"id":1,"path":"/v1/said"}\n')
    await paused
    near.write('{"id":2,"path":"/v1/said"}\n')
    for (let turn = 0; turn < 10; turn++) await setImmediate()
    expect(answered).toBe(1)
    const client = new LineClient(near)
    expect(await client.next()).toMatchObject({ id: 1, bytes: 100_002 })
    expect(await client.next()).toMatchObject({ id: 2, bytes: 100_002 })
  })

  it.each([
    ['no JSON', 'nonsense', 'A query is a line of JSON with an id and a path, not nonsense'],
    ['no id', '{"path":"/v1/said"}', /^A query is a line of JSON/],
    ['an id that is no whole number', '{"id":1.5,"path":"/v1/said"}', /^A query is a line of JSON/],
    ['a path that is no text', '{"id":1,"path":7}', /^A query is a line of JSON/],
    ['a list', '[]', /^A query is a line of JSON/],
    ['too much', 'x'.repeat(maxQueryLineBytes + 1), `a line is longer than ${maxQueryLineBytes} bytes`],
  ])('end with an answer that says so where a line has %s', async (_, line, said) => {
    const client = serving(() => ({ json: [] }))
    client.send(line)
    expect(await client.next()).toMatchObject({ status: 400, body: expect.stringMatching(said) })
    expect(await client.next()).toBeNull()
  })

  it('that wait are let go of with a bad line, and none that follows is read', async () => {
    const signals: AbortSignal[] = []
    const client = serving(async ({ signal }) => {
      signals.push(signal)
      await once(signal, 'abort')
      return { json: [] }
    })
    client.send({ id: 1, path: '/v1/said' })
    client.send('nonsense')
    client.send({ id: 2, path: '/v1/said' })
    expect(await client.next()).toMatchObject({ id: 0, status: 400 })
    expect(await client.next()).toBeNull()
    expect(signals.map(({ aborted, reason }) => [aborted, (reason as Error).message])).toEqual([
      [true, 'the answer is not wanted any more'],
    ])
  })

  it('end where an id is used twice', async () => {
    const client = serving(async ({ signal }) => {
      await once(signal, 'abort')
      return { json: [] }
    })
    client.send({ id: 3, path: '/v1/said' })
    client.send({ id: 3, path: '/v1/said' })
    expect(await client.next()).toMatchObject({ status: 400, body: 'A query with the id 3 is not answered yet' })
    expect(await client.next()).toBeNull()
  })

  it('end where more of them wait than one client needs', async () => {
    const client = serving(async ({ signal }) => {
      await once(signal, 'abort')
      return { json: [] }
    })
    const ids = Array.from({ length: 32_769 }, (_, id) => JSON.stringify({ id, path: '/v1/said' }))
    client.send(ids.slice(0, -1).join('\n'))
    client.send('')
    expect(await client.next()).toBe('sign')
    client.send(ids.at(-1) ?? '')
    expect(await client.next()).toMatchObject({ status: 400, body: 'More than 32768 queries wait' })
    expect(await client.next()).toBeNull()
  })

  it('are sent at once after a quiet time, what follows within 10 ms together, and long ones without a wait', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const writes: number[] = []
    const stream = new Duplex({
      read() {},
      writev(chunks, done) {
        writes.push(chunks.length)
        done()
      },
    })
    serveQueryLines(
      stream,
      servingOne(({ name }) => ({ json: 'x'.repeat(Number(name)) })),
    )
    const ask = async (id: number, length = 1) => {
      stream.push(`${JSON.stringify({ id, path: `/v1/said/${length}` })}\n`)
      for (let turn = 0; turn < 5; turn++) await setImmediate()
    }
    await ask(1)
    await ask(2)
    await ask(3)
    // A line and a body each.
    expect(writes).toEqual([2])
    vi.advanceTimersByTime(10)
    expect(writes).toEqual([2, 4])
    await ask(4)
    await ask(5, 70_000)
    expect(writes).toEqual([2, 4, 4])
    vi.advanceTimersByTime(20)
    expect(vi.getTimerCount()).toBe(0)
    await ask(6)
    expect(writes).toEqual([2, 4, 4, 2])
    stream.destroy()
  })

  it('break in the middle of a body where that is ordered', async () => {
    const { address, registry } = await startRegistry()
    const client = await open(address)
    registry.fault({ cut: 'body' })
    let got = ''
    client.stream.on('data', (chunk: Buffer) => (got += chunk.toString()))
    client.send({ id: 1, path: '/v1/catalog/services' })
    expect(await client.next()).toBeNull()
    const [line = '', body = ''] = got.split('\n')
    expect(body).toHaveLength(Math.floor((JSON.parse(line) as { bytes: number }).bytes / 2))
  })

  it('may come with the request that asks for them', async () => {
    const { address } = await startRegistry()
    const socket = connectTcp(Number(new URL(address).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    const fields = `Host: localhost\r\nConnection: Upgrade\r\nUpgrade: ${queryLinesProtocol}\r\n`
    socket.write(`GET /v1/status/leader HTTP/1.1\r\n${fields}\r\n{"id":1,"path":"/v1/status/leader"}\n`)
    let got = ''
    for await (const chunk of socket) if ((got += String(chunk)).includes('{"id":1,"status":200,')) break
    expect(got).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
  })

  it('are not for requests with a body, nor for HTTP/1.1 over TLS', async () => {
    const { address } = await startRegistry()
    const asked = request(new URL('/v1/agent/service/register', address), {
      method: 'PUT',
      headers: { connection: 'Upgrade', upgrade: queryLinesProtocol },
      agent: false,
    }).end('{"Name":"web"}')
    expect(((await once(asked, 'response')) as [IncomingMessage])[0].statusCode).toBe(200)
    const secure = await startRegistry({ tls: loopbackCertificate })
    const socket = connectTls({
      host: '127.0.0.1',
      port: Number(new URL(secure.address).port),
      ca: loopbackAuthority.cert,
    })
    onTestFinished(() => void socket.destroy())
    socket.write('CONNECT registry:443 HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(socket.resume(), 'end')
    expect((await secure.api('GET', '/v1/status/leader')).status).toBe(200)
  })

  it('can only read', async () => {
    const { address, api } = await startRegistry()
    const client = await open(address)
    client.send({ id: 1, path: '/v1/agent/service/register' })
    expect(await client.next()).toMatchObject({ status: 405 })
    expect((await api('GET', '/v1/agent/services')).json).toEqual({})
  })

  it('suffer the faults of requests; a connection that breaks has all of them break', async () => {
    const { address, registry } = await startRegistry()
    const client = await open(address)
    registry.fault({ status: 503, body: 'busy', times: 1 })
    client.send({ id: 1, path: '/v1/catalog/services' })
    expect(await client.next()).toMatchObject({ id: 1, status: 503, body: 'busy' })
    client.send({ id: 2, path: '/v1/catalog/services?index=1000&wait=5m' })
    registry.fault({ cut: 'head', path: '/v1/catalog/nodes' })
    client.send({ id: 3, path: '/v1/catalog/nodes' })
    expect(await client.next()).toBeNull()
  })

  it('are not for who may not ask, and whatever else is asked for is passed over', async () => {
    const { address } = await startRegistry()
    const answered = async (said: Record<string, string>) => {
      const [response] = await once(askForLines(address, said), 'response')
      await text(response)
      return response.statusCode as number
    }
    expect(await answered({ host: 'evil.example' })).toBe(403)
    expect(await answered({ upgrade: 'h2c' })).toBe(200)
    expect(await answered({ upgrade: 'websocket' })).toBe(200)
  })
})
