import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { pipeline, request, RetryAgent } from 'undici'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Client, connect, type ClientOptions } from '../../../../src/client.ts'
import { createRegistry, type Registry } from '../../../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../../../support/consul-api.ts'
import { register } from '../../../support/registration.ts'

let registry: Registry
let api: ConsulApi
let address: string
let services = 0

beforeAll(async () => {
  registry = createRegistry({ port: 0 })
  address = (await registry.start()).address
  api = consulApi(address)
})

afterAll(() => registry.close())

/** A service with one instance for each listener, in an order of its own. */
async function serviceOf(...listeners: readonly RequestListener[]): Promise<string> {
  const service = `calls-${++services}`
  for (const listener of listeners) {
    const server = createServer({ keepAliveTimeout: 60_000 }, listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    await register(api, { service, instance: { id: `${service}-${port}`, port } })
  }
  return service
}

async function clientOf(service: string, options: ClientOptions = {}): Promise<Client> {
  const client = connect(service, { registry: address.replace('http:', 'consul:'), ...options })
  onTestFinished(() => client.close())
  await client.ready
  return client
}

const codeOf = (error: unknown): unknown => {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } }
  return code ?? cause?.code
}

async function* slowly(chunks: number, bytes: number, pauseMs: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < chunks; i++) {
    yield Buffer.alloc(bytes, i)
    await delay(pauseMs)
  }
}

const breaksInBody: RequestListener = (incoming) => incoming.once('data', () => incoming.socket.destroy())

describe('a call', () => {
  it('has its time from when its body was sent: a long upload is no slow answer', async () => {
    const service = await serviceOf((incoming, response) => {
      void buffer(incoming).then(({ length }) => response.end(String(length)))
    })
    const { dispatcher, origin } = await clientOf(service, { timeout: '200ms' })
    const body = Readable.from(slowly(12, 16 * 1024, 50))
    const answer = await request(origin, { dispatcher, method: 'POST', body })
    expect(await answer.body.text()).toBe(String(12 * 16 * 1024))
  })

  it('is not sent again with half of a body', async () => {
    const lengths: number[] = []
    const busy: RequestListener = (incoming, response) => {
      void buffer(incoming).then(({ length }) => {
        lengths.push(length)
        response.writeHead(503).end()
      })
    }
    const service = await serviceOf(busy, busy)
    const { dispatcher, origin } = await clientOf(service, { retry: { statuses: [503] } })
    const body = Readable.from(slowly(8, 32 * 1024, 0))
    const answer = await request(origin, { dispatcher, method: 'PUT', body })
    expect(answer.statusCode).toBe(503)
    await answer.body.dump()
    expect(lengths).toEqual([8 * 32 * 1024])
  })

  it('is sent again with the whole of a short stream', async () => {
    const bodies: string[] = []
    const busy: RequestListener = (incoming, response) => {
      void text(incoming).then((body) => {
        bodies.push(body)
        response.writeHead(503).end()
      })
    }
    const service = await serviceOf(busy, busy)
    const { dispatcher, origin } = await clientOf(service, { retry: { statuses: [503] } })
    const answer = await request(origin, { dispatcher, method: 'PUT', body: Readable.from(['one,', 'two']) })
    await answer.body.dump()
    expect(bodies).toEqual(['one,two', 'one,two'])
  })

  it('goes on with a stream that an attempt had begun to take', async () => {
    const bodies: string[] = []
    const takes: RequestListener = (incoming, response) => {
      void text(incoming).then((body) => {
        bodies.push(body)
        response.end()
      })
    }
    const service = await serviceOf(breaksInBody, takes)
    const { dispatcher, origin } = await clientOf(service)
    for (let i = 0; i < 2; i++) {
      const body = new PassThrough()
      body.write('one,')
      const answer = request(origin, { dispatcher, method: 'PUT', body })
      await delay(100)
      body.write('two,')
      await delay(300)
      body.end('three')
      const { statusCode, body: rest } = await answer
      expect(statusCode).toBe(200)
      await rest.dump()
    }
    expect(bodies).toEqual(['one,two,three', 'one,two,three'])
  })

  it('sends what there is of a stream while more is to come', async () => {
    const service = await serviceOf((incoming, response) => void incoming.pipe(response))
    const { dispatcher, origin } = await clientOf(service)
    const duplex = pipeline(origin, { dispatcher, method: 'POST' }, ({ body }) => body)
    duplex.write('ping')
    const [chunk] = (await once(duplex, 'data')) as [Buffer]
    expect(chunk.toString()).toBe('ping')
    duplex.end()
    await once(duplex.resume(), 'close')
  })

  it('that can’t be sent is the caller’s fault, and no evidence', async () => {
    const service = await serviceOf((_, response) => response.end('fine'))
    const client = await clientOf(service)
    const { dispatcher, origin } = client
    for (let i = 0; i < 6; i++) {
      const failure = await request(origin, { dispatcher, headers: { 'bad name': '1' } }).catch(
        (error: unknown) => error,
      )
      expect(codeOf(failure)).toBe('UND_ERR_INVALID_ARG')
    }
    const lengths = { 'content-length': '10' }
    const short = Readable.from(['short'])
    const failure = await request(origin, { dispatcher, method: 'PUT', headers: lengths, body: short }).catch(
      (e: unknown) => e,
    )
    expect(codeOf(failure)).toBe('UND_ERR_REQ_CONTENT_LENGTH_MISMATCH')
    expect(client.instances()).toMatchObject([{ state: 'eligible', failures: 0, inflight: 0 }])
  })

  it('ends with what the caller’s own stream broke with', async () => {
    const service = await serviceOf((incoming) => void incoming.resume())
    const client = await clientOf(service)
    const body = Readable.from(
      (async function* () {
        yield 'begun'
        throw new Error('my disk')
      })(),
    )
    const call = request(client.origin, { dispatcher: client.dispatcher, method: 'PUT', body })
    await expect(call).rejects.toThrow('my disk')
    expect(client.instances()).toMatchObject([{ failures: 0, inflight: 0 }])
  })

  it('keeps the times that the caller gave', async () => {
    const service = await serviceOf(() => {})
    const { dispatcher, origin } = await clientOf(service, { retry: { attempts: 0 } })
    const startedMs = performance.now()
    const failure = await request(origin, { dispatcher, headersTimeout: 100 }).catch((error: unknown) => error)
    expect(codeOf(failure)).toBe('head-timeout')
    expect(performance.now() - startedMs).toBeLessThan(10_000)
  })

  it('on a kept connection that was reset is sent again, which is no evidence', async () => {
    const seen = new WeakSet<IncomingMessage['socket']>()
    const service = await serviceOf((incoming, response) => {
      if (seen.has(incoming.socket)) return void incoming.socket.resetAndDestroy()
      seen.add(incoming.socket)
      return void response.end('fine')
    })
    const client = await clientOf(service)
    for (let i = 0; i < 4; i++) expect(await (await client.fetch('/')).text()).toBe('fine')
    expect(client.instances()).toMatchObject([{ state: 'eligible', inflight: 0 }])
    expect(await client.metrics()).toMatch(/tidegate_retries_total\{.*outcome="stale-connection"\} [1-9]/)
  })

  it('stays with the service, whatever its path begins with', async () => {
    const service = await serviceOf((incoming, response) => response.end(incoming.url))
    const client = await clientOf(service)
    expect(await (await client.fetch('//example.invalid/x')).text()).toBe('//example.invalid/x')
    expect(await (await client.fetch('/\\example.invalid/x')).text()).toBe('//example.invalid/x')
    expect(await (await client.fetch('a?b')).text()).toBe('/a?b')
  })

  it('is told once of its end where it was aborted at its beginning', async () => {
    const service = await serviceOf((_, response) => response.end('fine'))
    const { dispatcher, origin } = await clientOf(service)
    const errors: Error[] = []
    dispatcher.dispatch(
      { origin, path: '/', method: 'GET' },
      {
        onRequestStart: (controller) => controller.abort(new Error('at once')),
        onResponseError: (_, error) => void errors.push(error),
      },
    )
    await new Promise(setImmediate)
    expect(errors.map(({ message }) => message)).toEqual(['at once'])
  })
})

describe('a handler that throws', () => {
  it('hears of its error: undici’s retries rely on it', async () => {
    let requests = 0
    const service = await serviceOf((_, response) => {
      response.statusCode = ++requests < 3 ? 503 : 200
      response.end(String(requests))
    })
    const { dispatcher, origin } = await clientOf(service)
    const answer = await request(origin, { dispatcher: new RetryAgent(dispatcher, { minTimeout: 1 }) })
    expect([answer.statusCode, await answer.body.text()]).toEqual([200, '3'])
  })

  it.each(['onResponseStart', 'onResponseData', 'onResponseEnd'] as const)('in %s', async (where) => {
    const client = await clientOf(await serviceOf((_, response) => response.end('fine')))
    const told = Promise.withResolvers<Error>()
    const handler = {
      onRequestStart: () => {},
      [where]: () => {
        throw new Error('mine')
      },
      onResponseError: (_: unknown, error: Error) => told.resolve(error),
    }
    client.dispatcher.dispatch({ origin: client.origin, path: '/', method: 'GET' }, handler)
    expect((await told.promise).message).toBe('mine')
    expect(client.instances()).toMatchObject([{ failures: 0, inflight: 0 }])
  })
})

describe('options of a client', () => {
  it.each([
    [{ balancer: 'round-robbin' }, 'there is no balancer "round-robbin" for a client; did you mean'],
    [{ timout: '1s' }, 'there is no option `timout`; did you mean'],
  ])('that make no sense are refused: %j', (options, why) => {
    expect(() => connect('x', options as ClientOptions)).toThrow(why)
  })
})

describe('while the registry has not spoken', () => {
  const lost = 'consul://127.0.0.1:1'

  it('a call has its time, and no longer', async () => {
    const client = connect('unheard', { registry: lost, timeout: '100ms' })
    onTestFinished(() => client.close())
    const failure = await client.fetch('/').catch((error: unknown) => error)
    expect(failure).toMatchObject({ cause: { code: 'no-endpoint', service: 'unheard' } })
  })

  it('a call can be aborted', async () => {
    const client = connect('unheard', { registry: lost })
    onTestFinished(() => client.close())
    const call = request(client.origin, { dispatcher: client.dispatcher, signal: AbortSignal.timeout(50) })
    await expect(call).rejects.toThrow('timeout')
  })

  it('a call ends with the client', async () => {
    const client = connect('unheard', { registry: lost })
    const call = client.fetch('/').catch((error: unknown) => error)
    await client.close()
    expect(await call).toMatchObject({ cause: { message: 'the client is closed' } })
  })
})

describe('a client that was closed', () => {
  it('finishes what is in flight, further attempts included, and takes no more', async () => {
    const seen = Promise.withResolvers<void>()
    const broken = Promise.withResolvers<void>()
    let requests = 0
    const either: RequestListener = (incoming, response) => {
      if (++requests > 1) return void response.end('fine')
      seen.resolve()
      return void broken.promise.then(() => incoming.socket.destroy())
    }
    const client = await clientOf(await serviceOf(either, either))
    const call = client.fetch('/')
    await seen.promise
    await client.close()
    broken.resolve()
    expect(await (await call).text()).toBe('fine')
    const failure = await client.fetch('/').catch((error: unknown) => error)
    expect(failure).toMatchObject({ cause: { code: 'draining' } })
  })

  it('may be closed again, also as a dispatcher', async () => {
    const client = await clientOf(await serviceOf((_, response) => response.end('fine')))
    await (await client.fetch('/')).text()
    await client.close()
    // Its connections are closed behind that.
    await delay(10)
    await expect(client.dispatcher.close()).resolves.toBeUndefined()
    await expect(client.close()).resolves.toBeUndefined()
    await expect(client.dispatcher.destroy()).resolves.toBeUndefined()
    // A rejection that nobody handles would be told by now.
    await delay(10)
  })

  it('breaks off what is in flight where it is destroyed', async () => {
    const seen = Promise.withResolvers<void>()
    const client = await clientOf(await serviceOf(() => seen.resolve()))
    const call = client.fetch('/').catch((error: unknown) => error)
    await seen.promise
    await client.dispatcher.destroy()
    expect(await call).toMatchObject({ cause: { code: 'UND_ERR_DESTROYED' } })
  })
})
