import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRegistry, type Registry } from '../../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../../support/consul-api.ts'

interface CheckJson {
  Status: string
  Output: string
}

describe('checks of the registry', () => {
  let registry: Registry
  let api: ConsulApi
  let origin: Server | undefined

  beforeEach(async () => {
    registry = createRegistry({ port: 0, minCheckIntervalMs: 5, minReapMs: 1, reapIntervalMs: 5 })
    api = consulApi((await registry.start()).address)
  })

  afterEach(async () => {
    await registry.close()
    origin?.closeAllConnections()
    origin?.close()
  })

  async function listen(listener: (...of: Parameters<RequestListener>) => unknown): Promise<string> {
    origin = createServer(listener).listen(0, '127.0.0.1')
    await once(origin, 'listening')
    const address = origin.address()
    return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/health`
  }

  async function register(check: object): Promise<void> {
    const answer = await api('PUT', '/v1/agent/service/register', { Name: 'web', Check: check })
    expect([answer.status, answer.text]).toEqual([200, ''])
  }

  async function until(isExpected: (check: CheckJson) => boolean): Promise<CheckJson> {
    for (let index = '0'; ;) {
      const answer = await api<CheckJson[]>('GET', `/v1/health/checks/web?index=${index}&wait=10s`)
      const check = answer.json?.[0]
      if (check && isExpected(check)) return check
      index = answer.headers.get('x-consul-index') ?? '0'
    }
  }

  async function untilStatus(status: string): Promise<CheckJson> {
    return until((check) => check.Status === status)
  }

  it('are critical until their first result', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const url = await listen(() => resolve())
    await register({ HTTP: url, Interval: '5ms', Timeout: '1m' })
    await asked
    expect((await untilStatus('critical')).Output).toBe('')
  })

  it('do not follow redirects, which may lead anywhere', async () => {
    const asked: string[] = []
    const url = await listen((request, response) => {
      asked.push(request.url ?? '')
      const isFirst = asked.length === 1
      response.writeHead(isFirst ? 302 : 200, isFirst ? { location: '/elsewhere' } : {}).end()
    })
    await register({ HTTP: url, Interval: '5ms' })
    await untilStatus('passing')
    expect(new Set(asked)).toEqual(new Set(['/health']))
  })

  it('give up on an answer that does not end within the timeout', async () => {
    const url = await listen((_, response) => response.writeHead(200).write('and so on'))
    await register({ HTTP: url, Interval: '5ms', Timeout: '20ms', Status: 'passing' })
    const check = await untilStatus('critical')
    expect(check.Output).toBe(
      `Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    )
  })

  it('take a timeout with a fraction of a millisecond', async () => {
    const url = await listen((_, response) => response.end())
    await register({ HTTP: url, Interval: '5ms', Timeout: '1999.5ms' })
    expect((await untilStatus('passing')).Output).toContain('200 OK')
  })

  it('show the end of a long answer', async () => {
    const url = await listen((_, response) => response.end(`${'x'.repeat(10_000)} the cause`))
    await register({ HTTP: url, Interval: '5ms', OutputMaxSize: 9 })
    expect((await untilStatus('passing')).Output).toBe(`HTTP GET ${url}: 200 OK Output: the cause`)
  })

  it('survive what a service answers to nobody', async () => {
    const url = await listen((request) => request.socket.end('not HTTP\r\n\r\n'))
    await register({ HTTP: url, Interval: '5ms', Status: 'passing' })
    expect((await untilStatus('critical')).Output).toContain('Parse Error')
  })

  it('change their status after as many results as they were told to wait for', async () => {
    const codes = [200, 500, 200, 200, 500, 500]
    const seen = { passing: Promise.withResolvers<void>(), warning: Promise.withResolvers<void>() }
    let asked = 0
    const url = await listen(async (_, response) => {
      const code = codes[asked++] ?? 500
      if (asked > 4) await seen.passing.promise
      if (asked > 12) await seen.warning.promise
      response.writeHead(code).end(`answer ${asked}`)
    })
    await register({
      HTTP: url,
      Interval: '5ms',
      SuccessBeforePassing: 2,
      FailuresBeforeWarning: 2,
      FailuresBeforeCritical: 9,
    })
    expect((await untilStatus('passing')).Output).toContain('answer 4')
    seen.passing.resolve()
    expect((await untilStatus('warning')).Output).toContain('answer 6')
    seen.warning.resolve()
    expect((await untilStatus('critical')).Output).toContain('answer 13')
  })

  it('send the method, headers and body they were given', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown[]>()
    const url = await listen((request, response) => {
      request.setEncoding('utf8').once('data', (body) => {
        resolve([request.method, request.headers['host'], request.headers['x-two'], body])
        response.end()
      })
    })
    await register({
      HTTP: url,
      Interval: '5ms',
      Method: 'PUT',
      Header: { Host: ['web'], 'X-Two': ['1', '2'] },
      Body: 'ping',
    })
    expect(await promise).toEqual(['PUT', 'web', '1, 2', 'ping'])
  })

  it('remove their service when critical for longer than it allowed', async () => {
    await register({ TTL: '5ms', DeregisterCriticalServiceAfter: '5ms' })
    for (let index = '0'; ;) {
      const answer = await api<Record<string, unknown>>('GET', `/v1/catalog/services?index=${index}&wait=10s`)
      if (answer.json && !('web' in answer.json)) break
      index = answer.headers.get('x-consul-index') ?? '0'
    }
    expect((await api('GET', '/v1/agent/checks')).json).toEqual({})
  })

  it('start a TTL anew with each report', async () => {
    await register({ TTL: '20ms' })
    for (const note of ['first', 'second']) {
      await api('PUT', `/v1/agent/check/pass/service:web?note=${note}`)
      const expired = await until((check) => check.Output.startsWith('TTL expired') && check.Output.endsWith(note))
      expect(expired.Output).toBe(`TTL expired (last output before timeout follows): ${note}`)
    }
  })

  it('stop with their service, even half-way', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<{ closed: Promise<unknown> }>()
    const url = await listen((request) => resolve({ closed: once(request.socket, 'close') }))
    await register({ HTTP: url, Interval: '5ms', Timeout: '1h' })
    const { closed } = await asked
    await api('PUT', '/v1/agent/service/deregister/web')
    await closed
    expect((await api('GET', '/v1/agent/checks')).json).toEqual({})
  })

  it.each([
    [
      { Args: ['true'], Interval: '1s' },
      'Check.Args is not supported by this registry. Use a TTL, HTTP, TCP or gRPC check.',
    ],
    [
      { AliasService: 'x' },
      'Check.AliasService is not supported by this registry. Use a TTL, HTTP, TCP or gRPC check.',
    ],
    [{ TCP: '127.0.0.1:1' }, 'Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks'],
    [{ TCP: '127.0.0.1', Interval: '1s' }, 'Invalid check: TCP must be host:port, not "127.0.0.1"'],
    [{ GRPC: 'nowhere/users', Interval: '1s' }, 'Invalid check: GRPC must be host:port, not "nowhere"'],
    [
      { GRPC: '10.0.0.9:80/users', Interval: '1s' },
      "Invalid check: this registry checks only the service's own address and loopback, and 10.0.0.9:80 is neither",
    ],
    [
      { HTTP: 'http://10.0.0.9/', Interval: '1s' },
      "Invalid check: this registry checks only the service's own address and loopback, and 10.0.0.9 is neither",
    ],
  ])('refuse %j and say why', async (check, text) => {
    const answer = await api('PUT', '/v1/agent/service/register', { Name: 'web', Check: check })
    expect([answer.status, answer.text]).toEqual([400, text])
    expect((await api('GET', '/v1/agent/services')).json).toEqual({})
  })
})
