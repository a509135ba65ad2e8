import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { EndpointMeter, ServiceMeter } from '../../src/core/meter.ts'
import { failureOfConnectError } from '../../src/proxy/h1/connect-error.ts'
import type { Engine } from '../support/engine.ts'
import { ask, useFlow } from '../support/flow.ts'
import { answer, type RecordedRequest, type Script } from '../support/recording-origin.ts'

const flow = useFlow()
afterEach(() => vi.restoreAllMocks())

const quick = { headTimeoutMs: 100, idleTimeoutMs: 100 }

function reset({ connection }: RecordedRequest): void {
  connection.socket.resetAndDestroy()
}

function failuresInRow(engine: Engine, { port }: { readonly port: number }): number {
  return engine.ledger.endpoint(engine.slot(port), -1).consecutiveFailures()
}

/** Two endpoints, of which the second is well; the route does not retry, so that each request shows one attempt. */
async function besideAWellOne(script: Script) {
  const bad = await flow.rawOrigin(script)
  const good = await flow.rawOrigin(() => answer('well'))
  const engine = await flow.engine({ origins: [bad, good], service: quick, route: { retry: { attempts: 0 } } })
  return { bad, good, engine }
}

const broken: [string, Script, string][] = [
  ['an answer of 500', () => answer('', '500 Internal Server Error'), '5xx'],
  ['an answer of 503', () => answer('', '503 Service Unavailable'), '5xx'],
  ['a reset', reset, 'reset-before-head'],
  ['something that is not HTTP', () => 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'bad-response'],
  ['silence', () => {}, 'head-timeout'],
  [
    'an answer broken off',
    ({ connection }) => void connection.socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'),
    'reset-in-body',
  ],
  ['an answer that falls silent', () => 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc', 'idle-timeout'],
]

test.each(broken)('%s counts against its endpoint, once', async (_name, script, outcome) => {
  const failed = vi.spyOn(EndpointMeter.prototype, 'failed')
  const answered = vi.spyOn(EndpointMeter.prototype, 'answered')
  const origin = await flow.rawOrigin(script)
  const engine = await flow.engine({ origins: [origin], service: quick })

  await ask(engine.port).catch(() => null)
  await engine.settledAt(1)

  expect(failuresInRow(engine, origin)).toBe(1)
  expect(failed.mock.calls).toEqual(outcome === '5xx' ? [] : [[outcome]])
  expect(answered).toHaveBeenCalledTimes(outcome === '5xx' ? 1 : 0)
})

test.each(broken)('%s five times in a row ejects the endpoint; the others serve on', async (_name, script) => {
  const { bad, good, engine } = await besideAWellOne(script)

  for (let i = 0; i < 14; i++) await ask(engine.port).catch(() => null)

  expect(bad.requests).toHaveLength(5)
  expect(good.requests).toHaveLength(9)
  const { ejection } = await engine.message('ejected')
  expect(ejection).toMatchObject({ service: 'web', slot: engine.slot(bad.port), reason: 'consecutive' })
  expect(ejection.cause).toContain('5 failures in a row')
})

test('a refused connection ejects at once', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const good = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [{ port }, good] })

  for (let i = 0; i < 4; i++) expect((await ask(engine.port)).status).toBe(200)

  expect((await engine.message('ejected')).ejection).toMatchObject({ slot: engine.slot(port), reason: 'connect' })
  expect(engine.settled.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(5)
})

test('an answer sets the count back', async () => {
  const origin = await flow.rawOrigin((_request, index) =>
    answer('', index === 4 ? '404 Not Found' : '500 Internal Server Error'),
  )
  const engine = await flow.engine({ origins: [origin] })

  for (let i = 0; i < 8; i++) await ask(engine.port)

  expect(failuresInRow(engine, origin)).toBe(3)
})

describe('no evidence', () => {
  test('is a client that leaves', async () => {
    const failed = vi.spyOn(EndpointMeter.prototype, 'failed')
    const origin = await flow.rawOrigin(() => {})
    const engine = await flow.engine({ origins: [origin] })

    for (let i = 1; i <= 6; i++) {
      const client = await flow.client(engine)
      client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      await origin.requestAt(i)
      client.reset()
      await engine.settledAt(i)
    }

    expect(failuresInRow(engine, origin)).toBe(0)
    expect(failed.mock.calls).toEqual(Array.from({ length: 6 }, () => ['client-abort']))
  })

  test('is a body that the client does not send', async () => {
    const origin = await flow.rawOrigin()
    const engine = await flow.engine({ origins: [origin], listener: { timeouts: { bodyMs: 50 } } })

    for (let i = 0; i < 2; i++) {
      const client = await flow.client(engine)
      expect((await client.send('PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n').response()).status).toBe(408)
    }

    expect(failuresInRow(engine, origin)).toBe(0)
  })

  test.each(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS'])('is our own exhaustion, such as %s', (code) => {
    const error = Object.assign(new Error(code), { code })
    for (const isSecured of [false, true]) expect(failureOfConnectError(error, isSecured)).toBe('local-exhaustion')
  })
})

async function outcomes(scripts: readonly Script[]) {
  const retried = vi.spyOn(ServiceMeter.prototype, 'retried')
  const origins = await Promise.all(scripts.map(async (script) => flow.rawOrigin(script)))
  const engine = await flow.engine({ origins })
  for (let i = 0; i < 2; i++) await ask(engine.port)
  return retried.mock.calls.map(([outcome]) => outcome)
}

describe('the outcome of a retry is counted', () => {
  test('as success', async () => {
    expect(await outcomes([reset, () => answer('well')])).toContain('success')
  })

  test('as failure', async () => {
    expect(await outcomes([reset, reset])).toEqual(['failure', 'failure'])
  })

  test('as forbidden by the budget', async () => {
    const retried = vi.spyOn(ServiceMeter.prototype, 'retried')
    const origins = [await flow.rawOrigin(reset), await flow.rawOrigin(reset)]
    const engine = await flow.engine({ origins })
    const budget = engine.ledger.service(0)
    // Somebody else claimed the time that has passed, and a lot of the time to come.
    budget.claimRefill(2 ** 30)

    expect((await ask(engine.port)).status).toBe(502)
    expect(retried.mock.calls).toEqual([['no-budget']])
    expect((await engine.settledAt(1)).attempts).toBe(1)
  })
})
