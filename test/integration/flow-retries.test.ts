import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { Engine } from '../support/engine.ts'
import { ask, useFlow } from '../support/flow.ts'
import { answer, type RecordedRequest } from '../support/recording-origin.ts'

const flow = useFlow()

/** A port that refuses connections. */
async function closedPort(): Promise<{ port: number }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return { port }
}

function reset({ connection }: RecordedRequest): void {
  connection.socket.resetAndDestroy()
}

/** Closes instead of answering a second request on a connection, as an idle timeout in that moment would. */
function answerOnce(request: RecordedRequest): string | undefined {
  if (request.connection.requests.length === 1) return answer('first')
  reset(request)
  return undefined
}

function failuresInRow(engine: Engine, { port }: { readonly port: number }): number {
  return engine.ledger.endpoint(engine.slot(port), -1).consecutiveFailures()
}

describe('a refused connection', () => {
  test.each(['GET', 'POST', 'PATCH'])(
    'costs a %s nothing: it goes to the next endpoint, body and all',
    async (method) => {
      const origin = await flow.rawOrigin((request) => answer(`${request.method} ${request.body}`))
      const engine = await flow.engine({ origins: [await closedPort(), origin] })

      for (let i = 0; i < 4; i++) {
        const response = await ask(engine.port, { method, body: `body ${i}` })
        expect(String(response.body)).toBe(`${method} body ${i}`)
      }

      expect(engine.settled.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(5)
      expect(engine.settled.every(({ failure }) => failure === null)).toBe(true)
    },
  )

  test('is tried past up to two times', async () => {
    const origin = await flow.rawOrigin()
    const refusing = [await closedPort(), await closedPort()]

    // Often enough that both are met by one request, whichever endpoint an engine begins with.
    for (let i = 0; i < 8; i++) {
      const engine = await flow.engine({ origins: [...refusing, origin] })
      for (let n = 0; n < 3; n++) expect((await ask(engine.port)).status).toBe(200)
      expect(engine.settled.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(5)
    }
  })

  test('of every endpoint is 502 after three', async () => {
    const refusing = [await closedPort(), await closedPort(), await closedPort(), await closedPort()]
    const engine = await flow.engine({ origins: refusing })

    const { status, headers } = await ask(engine.port)

    expect({ status, failure: headers['x-tidegate-error'] }).toEqual({ status: 502, failure: 'connect-refused' })
    expect((await engine.settledAt(1)).attempts).toBe(3)
  })

  test('of the only endpoint is 502 after one', async () => {
    const engine = await flow.engine({ origins: [await closedPort()] })

    expect((await ask(engine.port, { method: 'POST', body: 'x' })).status).toBe(502)
    expect((await engine.settledAt(1)).attempts).toBe(1)
  })

  test('takes a large body along that came meanwhile', async () => {
    const origin = await flow.rawOrigin((request) => answer(String(request.body.length)))
    const engine = await flow.engine({ origins: [await closedPort(), origin] })

    const response = await ask(engine.port, { method: 'POST', body: Buffer.alloc(2_000_000) })

    expect(String(response.body)).toBe('2000000')
  })
})

describe('a connection reset before the answer', () => {
  test.each(['GET', 'PUT', 'DELETE'])('makes a %s go to another endpoint once', async (method) => {
    const bad = await flow.rawOrigin(reset)
    const good = await flow.rawOrigin((request) => answer(request.body))
    const engine = await flow.engine({ origins: [bad, good] })

    for (let i = 0; i < 4; i++) expect(String((await ask(engine.port, { method, body: 'kept' })).body)).toBe('kept')

    expect(bad.requests.length).toBeGreaterThan(0)
    expect(good.requests).toHaveLength(4)
    expect(Math.max(...engine.settled.map(({ attempts }) => attempts))).toBe(2)
    expect(failuresInRow(engine, bad)).toBe(bad.requests.length)
  })

  test('makes a GET fail that has no other endpoint', async () => {
    const bad = await flow.rawOrigin(reset)
    const engine = await flow.engine({ origins: [bad] })

    const { status, headers } = await ask(engine.port)

    expect({ status, failure: headers['x-tidegate-error'] }).toEqual({ status: 502, failure: 'reset-before-head' })
    expect(bad.requests).toHaveLength(1)
  })

  test('makes a GET fail that was reset twice', async () => {
    const bad = [await flow.rawOrigin(reset), await flow.rawOrigin(reset), await flow.rawOrigin(reset)]
    const engine = await flow.engine({ origins: bad })

    expect((await ask(engine.port)).status).toBe(502)
    expect((await engine.settledAt(1)).attempts).toBe(2)
    expect(bad.map(({ requests }) => requests.length).toSorted((a, b) => a - b)).toEqual([0, 1, 1])
  })

  test.each(['POST', 'PATCH'])('never makes a %s go out twice', async (method) => {
    const bad = await flow.rawOrigin(reset)
    const good = await flow.rawOrigin()
    const engine = await flow.engine({ origins: [bad, good] })

    const statuses: number[] = []
    for (let i = 0; i < 4; i++) statuses.push((await ask(engine.port, { method, path: `/${i}`, body: 'x' })).status)

    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 502, 502])
    const seen = [...bad.requests, ...good.requests].map(({ target }) => target)
    expect(seen.toSorted()).toEqual(['/0', '/1', '/2', '/3'])
  })

  test('is not repeated when the body was more than is kept', async () => {
    const bad = await flow.rawOrigin(reset)
    const alsoBad = await flow.rawOrigin(reset)
    const engine = await flow.engine({ origins: [bad, alsoBad] })

    expect((await ask(engine.port, { method: 'PUT', body: Buffer.alloc(64 * 1024 + 1) })).status).toBe(502)
    expect((await engine.settledAt(1)).attempts).toBe(1)
  })

  test('is repeated when the body is just what is kept', async () => {
    const bad = await flow.rawOrigin(reset)
    const good = await flow.rawOrigin((request) => answer(String(request.body.length)))
    const engine = await flow.engine({ origins: [bad, good] })

    for (let i = 0; i < 2; i++) {
      expect(String((await ask(engine.port, { method: 'PUT', body: Buffer.alloc(64 * 1024) })).body)).toBe('65536')
    }
  })

  test('is repeated with a body of twenty thousand chunks of one byte', async () => {
    const resetting = await flow.rawOrigin(({ connection }) => void connection.socket.resetAndDestroy())
    const origin = await flow.rawOrigin((request) => answer(request.body))
    const engine = await flow.engine({ origins: [resetting, origin] })
    const client = await flow.client(engine)
    const body = Array.from({ length: 20_000 }, (_, i) => String.fromCharCode(97 + (i % 26)))
    const head = 'PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n'

    for (let i = 0; i < 2; i++) {
      client.send(`${head}${body.map((byte) => `1\r\n${byte}\r\n`).join('')}0\r\n\r\n`)
      expect((await client.response()).body).toBe(body.join(''))
    }
    expect(resetting.requests.length).toBeGreaterThan(0)
  })

  test('is not repeated by a route that allows no retry', async () => {
    const bad = await flow.rawOrigin(reset)
    const alsoBad = await flow.rawOrigin(reset)
    const engine = await flow.engine({ origins: [bad, alsoBad], route: { retry: { attempts: 0 } } })

    expect((await ask(engine.port)).status).toBe(502)
    expect((await engine.settledAt(1)).attempts).toBe(1)
  })

  test('is repeated within the budget only: ten a second and a fifth of the requests', async () => {
    // The thread's first retries claim the time since its start: all endpoints fail, none is ejected.
    const bad = await Promise.all(Array.from({ length: 2 }, async () => flow.rawOrigin(reset)))
    const engine = await flow.engine({
      origins: bad,
      service: {
        outlier: {
          consecutiveFailures: 1e9,
          baseEjectionMs: 1,
          maxEjectionMs: 1,
          maxEjectedPercent: 0,
          successRate: null,
        },
      },
    })
    const count = 600

    const started = performance.now()
    await Promise.all(Array.from({ length: count }, async () => ask(engine.port)))
    const seconds = (performance.now() - started) / 1000

    const retries = engine.settled.reduce((sum, { attempts }) => sum + attempts - 1, 0)
    expect(retries).toBeGreaterThan(count / 10)
    // What ten seconds may save up, a fifth of the requests, ten for each second that passed.
    expect(retries).toBeLessThanOrEqual(100 + count / 5 + 10 * Math.ceil(seconds))
    expect(bad.reduce((sum, { requests }) => sum + requests.length, 0)).toBe(count + retries)
  })
})

describe('a kept connection that its endpoint has closed', () => {
  test('makes a GET go to another endpoint, and is no evidence', async () => {
    const closing = await flow.rawOrigin(answerOnce)
    const other = await flow.rawOrigin(() => answer('other'))
    const engine = await flow.engine({ origins: [closing, other] })

    for (let i = 0; i < 20; i++) expect((await ask(engine.port)).status).toBe(200)

    expect(engine.settled.some(({ attempts }) => attempts === 2)).toBe(true)
    expect(failuresInRow(engine, closing)).toBe(0)
  })

  test('makes a GET go on a new connection, since the other endpoint may have closed its own too', async () => {
    const closings = [await flow.rawOrigin(answerOnce), await flow.rawOrigin(answerOnce)]
    const engine = await flow.engine({ origins: closings })

    for (let i = 0; i < 20; i++) expect((await ask(engine.port)).status).toBe(200)

    expect(engine.settled.filter(({ attempts }) => attempts === 2).length).toBeGreaterThan(5)
  })

  test('costs a GET nothing where there is no other endpoint, however often it happens', async () => {
    const closing = await flow.rawOrigin(answerOnce)
    const engine = await flow.engine({ origins: [closing] })

    // More than the retry budget of a service that did nothing for long.
    for (let i = 0; i < 300; i++) expect((await ask(engine.port)).status).toBe(200)

    expect(engine.settled.filter(({ attempts }) => attempts === 2).length).toBeGreaterThan(140)
    expect(failuresInRow(engine, closing)).toBe(0)
  })

  test('never makes a POST go out twice', async () => {
    const closing = await flow.rawOrigin(answerOnce)
    const engine = await flow.engine({ origins: [closing] })

    for (let i = 0; i < 10; i++) await ask(engine.port, { method: 'POST', path: `/${i}`, body: 'x' })

    expect(closing.requests.map(({ target }) => target)).toEqual(Array.from({ length: 10 }, (_, i) => `/${i}`))
    expect(new Set(engine.settled.map(({ status }) => status))).toEqual(new Set([200, 502]))
  })

  test('costs no request when it closes between two of them', async () => {
    const origin = await flow.rawOrigin((request) => {
      request.connection.socket.end(answer(request.target))
    })
    const engine = await flow.engine({ origins: [origin] })

    for (let i = 0; i < 100; i++) {
      expect(String((await ask(engine.port, { path: `/${i}` })).body)).toBe(`/${i}`)
      await origin.connections[i]?.closed()
    }
  })
})

test.each([
  ['in the body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', 'reset-in-body', 200],
  ['in the head', 'HTTP/1.1 200 OK\r\ncontent', 'bad-response', 502],
  ['behind an interim answer', 'HTTP/1.1 103 Early Hints\r\n\r\n', 'bad-response', 502],
])('nothing is repeated once the endpoint has begun to answer: a reset %s', async (_name, begun, failure, status) => {
  const script = (request: RecordedRequest): void => {
    const { socket } = request.connection
    socket.write(begun, () => socket.end())
  }
  const origins = [await flow.rawOrigin(script), await flow.rawOrigin(script)]
  const engine = await flow.engine({ origins })

  await ask(engine.port).catch(() => null)

  expect(await engine.settledAt(1)).toMatchObject({ failure, status, attempts: 1 })
  expect(origins.reduce((sum, { requests }) => sum + requests.length, 0)).toBe(1)
})
