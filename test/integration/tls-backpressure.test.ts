import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request as requestPlain, type RequestListener, type RequestOptions } from 'node:http'
import { request as requestSecure } from 'node:https'
import { describe, expect, test } from 'vitest'
import type { EngineName } from '../../src/core/snapshot.ts'
import { Body } from '../support/bodies.ts'
import { Authority } from '../support/certificates.ts'
import type { Engine } from '../support/engine.ts'
import { useFlow } from '../support/flow.ts'
import { listenerTls } from '../support/listener-tls.ts'

const flow = useFlow()
const MiB = 1024 * 1024
const size = 96 * MiB
/** What the system's socket buffers of two connections over loopback may hold, and TLS on the way. */
const mostUnderWay = 40 * MiB
const authority = Authority.create('backpressure')
const pair = authority.issue({ names: ['edge.test', '127.0.0.1'] })

interface Side {
  readonly client: boolean
  readonly endpoint: boolean
}

function ask(engine: Engine, { client }: Side, options: RequestOptions = {}) {
  const all = { host: '127.0.0.1', port: engine.port, ...options }
  return client ? requestSecure({ ...all, ca: authority.cert, agent: false }) : requestPlain(all)
}

async function serve(engine: EngineName, { client, endpoint }: Side, listener: RequestListener): Promise<Engine> {
  const answering: RequestListener = (incoming, response) => {
    if (incoming.url === '/other') response.end('ok')
    else listener(incoming, response)
  }
  return flow.engine({
    origins: [await flow.origin(answering, endpoint ? pair : undefined)],
    listener: { engine, tls: client ? listenerTls([pair]) : null },
    service: { tls: endpoint ? { ca: authority.cert, servername: null, keyPair: null, verify: true } : null },
  })
}

/** Turns of the event loop in which a body that is not held back would go on. */
async function otherExchanges(engine: Engine, side: Side): Promise<void> {
  for (let i = 0; i < 30; i++) {
    const [response] = (await once(ask(engine, side, { path: '/other' }).end(), 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(200)
    response.resume()
    await once(response, 'end')
  }
}

/** Reads a body with a pause every 32 MiB, in which other exchanges go through. @param sent how much of it was sent so far */
async function readSlowly(
  message: IncomingMessage,
  sent: () => number,
  exchange: () => Promise<void>,
): Promise<string> {
  const hash = createHash('sha1')
  let received = 0
  let nextPause = 0
  for await (const bytes of message as AsyncIterable<Buffer>) {
    hash.update(bytes)
    received += bytes.length
    if (received < nextPause) continue
    nextPause += 32 * MiB
    await exchange()
    expect(sent() - received).toBeLessThan(mostUnderWay)
  }
  return hash.digest('hex')
}

/** @returns how much of the body was taken so far */
function send(body: Body, to: NodeJS.WritableStream): () => number {
  let sent = 0
  const stream = body.stream()
  stream.on('data', (bytes: Buffer) => {
    sent += bytes.length
  })
  stream.pipe(to)
  return () => sent
}

describe.each(['fast', 'standard'] as const)('engine: %s', (engineName) => {
  describe.each<[string, Side]>([
    ['to clients', { client: true, endpoint: false }],
    ['to endpoints', { client: false, endpoint: true }],
  ])('TLS %s', (_, side) => {
    test('an endpoint is held back while the client does not read, and nothing is lost', async () => {
      const body = new Body(size)
      const sending = Promise.withResolvers<() => number>()
      const engine = await serve(engineName, side, (_request, response) => {
        response.writeHead(200, { 'content-length': size })
        sending.resolve(send(body, response))
      })
      const [response] = (await once(ask(engine, side).end(), 'response')) as [IncomingMessage]
      const hash = await readSlowly(response, await sending.promise, () => otherExchanges(engine, side))
      expect(hash).toBe(body.hash())
    })

    test('a client is held back while the endpoint does not read, and nothing is lost', async () => {
      const body = new Body(size)
      const arrived = Promise.withResolvers<IncomingMessage>()
      const engine = await serve(engineName, side, (incoming, response) => {
        incoming.pause()
        arrived.resolve(incoming)
        incoming.once('end', () => response.end('thanks'))
      })
      const outgoing = ask(engine, side, { method: 'POST', headers: { 'content-length': size } })
      const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
      const sent = send(body, outgoing)
      const hash = await readSlowly(await arrived.promise, sent, () => otherExchanges(engine, side))
      expect(hash).toBe(body.hash())
      const [response] = await answered
      expect(await response.map(String).toArray()).toEqual(['thanks'])
    })
  })

  test('a client over TLS that takes nothing of its answer is cut off', async () => {
    const side = { client: true, endpoint: false }
    const body = new Body(size)
    const engine = await serve(engineName, side, (_request, response) => {
      response.writeHead(200, { 'content-length': size })
      send(body, response)
    })
    await engine.listen([{ timeouts: { headMs: 10_000, idleMs: 75_000, bodyMs: 30_000, writeMs: 200 } }])
    const { client } = await flow.tlsClient(engine, { ca: authority.cert })
    client.socket.pause()
    client.send('GET / HTTP/1.1\r\nhost: edge.test\r\n\r\n')
    expect(await engine.settledAt(1)).toMatchObject({ status: 499, failure: 'client-abort' })
    client.socket.resume()
    expect((await client.rest()).ending).toBe('reset')
  })
})
