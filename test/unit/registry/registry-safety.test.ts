import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRegistry, type Registry } from '../../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../../support/consul-api.ts'

describe('the registry', () => {
  let registry: Registry
  let address: string
  let api: ConsulApi

  beforeEach(async () => {
    registry = createRegistry({ port: 0 })
    ;({ address } = await registry.start())
    api = consulApi(address)
  })

  afterEach(async () => registry.close())

  async function send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body = '',
  ): Promise<[number, string]> {
    const asked = request(new URL(path, address), { method, headers, agent: false }).end(body)
    const [response] = await once(asked, 'response')
    return [response.statusCode, await text(response)]
  }

  it.each(['localhost:8500', 'app.localhost', '127.0.0.1', '127.1.2.3:80', '[::1]:8500'])(
    'answers to the Host %s',
    async (host) => {
      expect((await send('GET', '/v1/status/leader', { host }))[0]).toBe(200)
    },
  )

  it.each([
    'evil.example',
    'evil.example:8500',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    '[fe80::1]',
    'localhost.evil.example',
  ])('refuses the Host %s, which a web page may have had pointed here', async (host) => {
    const [status, answer] = await send('GET', '/v1/agent/services', { host })
    expect([status, answer]).toEqual([
      403,
      `This registry answers only to loopback names and addresses, not to Host "${host}"`,
    ])
  })

  it('refuses writes of web pages', async () => {
    const headers = { origin: 'http://127.0.0.1:3000' }
    const [status] = await send('PUT', '/v1/agent/service/register', headers, '{"Name":"x"}')
    expect([status, (await api('GET', '/v1/agent/services')).json]).toEqual([403, {}])
  })

  it.each(['/v1/catalog/register', '/v1/session/create', '/v1/acl/tokens', '/v1/txn', '/v1/nonsense'])(
    'says that it does not support %s',
    async (path) => {
      const answer = await api('PUT', path, {})
      expect([answer.status, answer.text]).toEqual([
        501,
        expect.stringContaining(`PUT ${path} is not supported by this registry`),
      ])
    },
  )

  it('says where its API is', async () => {
    expect((await api('GET', '/ui/')).status).toBe(404)
  })

  it.each(['filter=x', 'node-meta=a:b', 'ns=team', 'partition=team'])(
    'refuses ?%s rather than ignore it',
    async (query) => {
      const answers = [
        await api('GET', `/v1/health/service/a?${query}`),
        await api('GET', `/v1/agent/services?${query}`),
      ]
      expect(answers.map(({ status }) => status)).toEqual([400, 400])
    },
  )

  it('refuses a body that is too large and stays usable', async () => {
    const answer = await api('PUT', '/v1/agent/service/register', { Name: 'x', Tags: ['y'.repeat(2 ** 20)] })
    expect(answer.status).toBe(413)
    expect((await api('PUT', '/v1/agent/service/register', { Name: 'x' })).status).toBe(200)
  })

  it.each(['GET /v1/health/service/a%zz HTTP/1.1\r\nHost: localhost\r\n\r\n', 'nonsense\r\n\r\n', '\0\r\n\r\n'])(
    'answers 400 to %j',
    async (bytes) => {
      const socket = connect(Number(new URL(address).port), '127.0.0.1')
      socket.end(bytes)
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /)
    },
  )

  it('survives clients that go away while they wait or send', async () => {
    for (const start of [
      'GET /v1/catalog/nodes?index=9 HTTP/1.1\r\n',
      'PUT /v1/agent/service/register HTTP/1.1\r\nContent-Length: 9\r\n',
    ]) {
      const socket = connect(Number(new URL(address).port), '127.0.0.1')
      await once(socket, 'connect')
      socket.write(`${start}Host: localhost\r\n\r\n{`)
      socket.resetAndDestroy()
      await once(socket, 'close')
    }
    expect((await api('GET', '/v1/status/leader')).status).toBe(200)
  })

  it('keeps names that JavaScript gives a meaning of its own', async () => {
    for (const name of ['__proto__', 'constructor']) await api('PUT', '/v1/agent/service/register', { Name: name })
    const { text: services } = await api('GET', '/v1/catalog/services')
    expect(services).toBe('{"__proto__":[],"constructor":[],"consul":[]}')
  })

  it('says which port is taken, and what to do', async () => {
    const second = createRegistry({ port: Number(new URL(address).port) })
    await expect(second.start()).rejects.toThrow(
      /cannot listen on 127\.0\.0\.1 port \d+: .*EADDRINUSE.* Choose another port\./,
    )
    await second.close()
  })

  it('ends waiting queries when it closes', async () => {
    const waiting = api('GET', '/v1/catalog/nodes?index=9&wait=10m').catch(() => 'cut')
    await api('GET', '/v1/status/leader')
    await registry.close()
    expect(await waiting).toBe('cut')
  })
})

it('off loopback answers to any Host', async () => {
  const registry = createRegistry({ host: '0.0.0.0', port: 0 })
  const { port } = new URL((await registry.start()).address)
  const asked = request({
    host: '127.0.0.1',
    port,
    path: '/v1/catalog/nodes',
    headers: { host: 'registry.example' },
  }).end()
  const [response] = await once(asked, 'response')
  const nodes: unknown = JSON.parse(await text(response))
  expect(nodes).toMatchObject([{ Address: '127.0.0.1' }])
  await registry.close()
})
