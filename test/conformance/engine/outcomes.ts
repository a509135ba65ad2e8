import { expect } from 'vitest'
import type { Failure } from '../../../src/core/failure.ts'
import type { EngineOptions } from '../../support/engine.ts'
import { freePorts } from '../../support/free-ports.ts'
import { answer, type Script } from '../../support/recording-origin.ts'
import { expectProblem } from '../../support/stage.ts'
import type { EngineCase } from './case.ts'

const get = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

/** One request, one problem document that names the failure; the access log says the same. */
function problem(
  title: string,
  failure: Failure,
  bytes: string,
  options: Omit<EngineOptions, 'origins'> & { readonly script?: Script } = {},
): EngineCase {
  return {
    title,
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(options.script ?? (() => answer('fine')))
      const engine = await start({ ...options, origins: [origin] })
      const client = await flow.client(engine)
      expectProblem(await client.send(bytes).response(), failure)
      expect((await engine.settledAt(1)).failure).toBe(failure)
    },
  }
}

/** Retries, deadlines, limits, and the answers the gateway makes itself. */
export const outcomeCases: readonly EngineCase[] = [
  {
    title: 'tries another endpoint when one refuses, whatever the method',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin((request) => answer(request.body))
      const [refusing = 0] = await freePorts(1)
      const engine = await start({ origins: [{ port: refusing }, origin] })
      const client = await flow.client(engine)
      const bytes = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello'
      const responses = await client.send(bytes + bytes).responses(2)
      expect(responses.map(({ body }) => body)).toEqual(['hello', 'hello'])
      expect(Math.max((await engine.settledAt(1)).attempts, (await engine.settledAt(2)).attempts)).toBe(2)
      expect((await engine.message('ejected')).ejection.reason).toBe('connect')
    },
  },
  {
    title: 'repeats a request whose body is kept when no answer came',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin((request, index) => {
        if (index > 0) return answer(request.body)
        request.connection.socket.resetAndDestroy()
        return ''
      })
      const other = await flow.rawOrigin((request) => answer(request.body))
      const engine = await start({ origins: [origin, other] })
      const client = await flow.client(engine)
      const bytes = 'PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello'
      expect((await client.send(bytes).response()).body).toBe('hello')
      expect((await client.send(bytes).response()).body).toBe('hello')
    },
  },
  problem('says that no route matches', 'no-route', get, { route: { host: 'b' } }),
  problem('says that a service has no endpoint', 'no-endpoint', get, { route: { service: 'empty' } }),
  problem('says that a request is malformed', 'bad-request', 'GET / HTTP/1.1\r\n\r\n'),
  problem('says that a path hides a dot segment', 'bad-request', 'GET /a/..%2fb HTTP/1.1\r\nhost: a\r\n\r\n'),
  problem('says that a method is not served', 'method-refused', 'TRACE / HTTP/1.1\r\nhost: a\r\n\r\n'),
  problem('says that a version is not served', 'version', 'GET / HTTP/2.0\r\nhost: a\r\n\r\n'),
  problem(
    'says that an expectation is unknown',
    'expectation-failed',
    'GET / HTTP/1.1\r\nhost: a\r\nexpect: x\r\n\r\n',
  ),
  problem(
    'says that a head is too large',
    'headers-too-large',
    `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(600)}\r\n\r\n`,
    {
      listener: { limits: { headBytes: 512 } },
    },
  ),
  problem('says that a target is too long', 'uri-too-long', `GET /${'y'.repeat(600)} HTTP/1.1\r\nhost: a\r\n\r\n`, {
    listener: { limits: { headBytes: 512 } },
  }),
  problem(
    'says that there are too many fields',
    'headers-too-large',
    `GET / HTTP/1.1\r\nhost: a\r\n${'x: y\r\n'.repeat(10)}\r\n`,
    { listener: { limits: { headFields: 10 } } },
  ),
  problem(
    'says that a body is too large',
    'body-too-large',
    'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    { listener: { limits: { bodyBytes: 4 } } },
  ),
  problem(
    'says that a body did not come',
    'request-timeout',
    'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhe',
    {
      listener: { timeouts: { bodyMs: 100 } },
    },
  ),
  problem('says that an answer did not begin in time', 'head-timeout', get, {
    service: { headTimeoutMs: 100 },
    script: () => {},
  }),
  problem('says that all attempts took too long', 'total-timeout', get, {
    route: { timeoutMs: 100 },
    script: () => {},
  }),
  problem('says that an answer is no HTTP', 'bad-response', get, { script: () => 'SSH-2.0-x\r\n\r\n' }),
  problem('says that an answer has two lengths', 'bad-response', get, {
    script: () => 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
  }),
  problem('says that a 101 was not asked for', 'bad-response', get, {
    script: () => 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
  }),
  problem('says that a 101 names no protocol', 'bad-response', get, {
    script: () => 'HTTP/1.1 101 Switching Protocols\r\ncontent-length: 0\r\n\r\n',
  }),
  problem('says that an endpoint closed without an answer', 'reset-before-head', get, {
    script: ({ connection }) => void connection.socket.end(),
  }),
  {
    title: 'cuts an answer visibly that its endpoint breaks off',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(({ connection, target }) => {
        const framing = target === '/length' ? 'content-length: 9' : 'transfer-encoding: chunked'
        connection.socket.end(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nhe`)
      })
      const engine = await start({ origins: [origin] })
      for (const target of ['/length', '/chunks']) {
        const client = await flow.client(engine)
        client.send(`GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`)
        await expect(client.response()).rejects.toThrow('the connection ended')
      }
      expect((await engine.settledAt(2)).failure).toBe('reset-in-body')
    },
  },
  {
    title: 'refuses connections over the limit, before a handshake',
    async run({ flow, start, proto }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin], listener: { limits: { connections: 1 } } })
      const first = await flow.client(engine)
      await first.send(get).response()
      if (proto === 'https') await expect(flow.client(engine)).rejects.toThrow('disconnected before secure TLS')
      else expectProblem(await (await flow.client(engine)).response(), 'overloaded')
      expect((await first.send(get).response()).status).toBe(200)
    },
  },
  {
    title: 'drains: what is in flight is answered and closed, then all is done',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(() => {})
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      client.send(get)
      const { connection } = await origin.requestAt(1)
      const drained = engine.drain(10_000)
      connection.socket.write(answer('late'))
      expect((await client.response()).body).toBe('late')
      expect((await client.rest()).ending).toBe('fin')
      client.end()
      expect(await drained).toBe(0)
    },
  },
]
