import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import { Body, digest } from '../support/bodies.ts'
import { useFlow } from '../support/flow.ts'

const flow = useFlow()
const KiB = 1024
const MiB = 1024 * KiB
const sizes = [0, 1, 4095, 4096, 4097, 64 * KiB - 1, 64 * KiB, 64 * KiB + 1, MiB, 64 * MiB]
const framings = ['with Content-Length', 'chunked'] as const

describe.each(framings)('%s', (framing) => {
  const fieldsOf = (body: Body): Record<string, string> =>
    framing === 'chunked' ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.size) }

  test.each(sizes)('a request body of %i bytes arrives byte for byte', async (size) => {
    const body = new Body(size)
    const origin = await flow.origin((incoming, response) => {
      void digest(incoming).then((received) => response.end(JSON.stringify(received)))
    })
    const engine = await flow.engine({ origins: [origin] })

    const outgoing = request({ port: engine.port, method: 'POST', headers: fieldsOf(body) })
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
    await pipeline(body.stream(), outgoing)
    const [response] = await answered

    expect(await response.map(String).toArray()).toEqual([JSON.stringify({ size, hash: body.hash() })])
    expect((await engine.settledAt(1)).requestBytes).toBe(size)
  })

  test.each(sizes)('a response body of %i bytes arrives byte for byte', async (size) => {
    const body = new Body(size)
    const origin = await flow.origin((_incoming, response) => {
      response.writeHead(200, fieldsOf(body))
      body.stream().pipe(response)
    })
    const engine = await flow.engine({ origins: [origin] })

    const outgoing = request({ port: engine.port }).end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]

    expect(await digest(response)).toEqual({ size, hash: body.hash() })
    expect((await engine.settledAt(1)).responseBytes).toBe(size)
  })
})

test('bodies of many clients at once against slow endpoints stay apart', async () => {
  const size = 3 * MiB + 17
  // Reads in small sips, one per turn of the event loop, and sends back what it read.
  const slow = await flow.origin((incoming, response) => {
    incoming.on('data', (bytes: Buffer) => {
      incoming.pause()
      response.write(bytes)
      setImmediate(() => incoming.resume())
    })
    incoming.on('end', () => response.end())
  })
  const engine = await flow.engine({ origins: [slow] })

  await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const body = new Body(size + i)
      const headers = i % 2 === 0 ? { 'content-length': body.size } : { 'transfer-encoding': 'chunked' }
      const outgoing = request({ port: engine.port, method: 'PUT', headers })
      const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
      const sent = pipeline(body.stream(), outgoing)
      const [response] = await answered
      const received = await digest(response)
      await sent
      expect(received).toEqual({ size: body.size, hash: body.hash() })
    }),
  )
})

test('an answer that comes in small pieces waits for its client unharmed', async () => {
  // Pieces that leave room in the queue: the next one is read while those before still wait in it.
  const pieces = Array.from({ length: 1000 }, (_, i) => Buffer.alloc(10_007, `${i} `))
  const origin = await flow.origin((_incoming, response) => {
    response.writeHead(200, { 'content-length': 10_007 * pieces.length })
    let next = 0
    const write = (): void => {
      const piece = pieces[next++]
      if (piece === undefined) response.end()
      else if (response.write(piece)) setImmediate(write)
      else response.once('drain', write)
    }
    write()
  })
  const engine = await flow.engine({ origins: [origin] })

  const outgoing = request({ port: engine.port }).end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  // Nobody reads while these go through: the system's buffers fill, then the engine's queue.
  for (let i = 0; i < 3; i++) {
    const other = request({ port: engine.port }).end()
    const [otherResponse] = (await once(other, 'response')) as [IncomingMessage]
    await digest(otherResponse)
  }

  const wanted = createHash('sha1')
  for (const piece of pieces) wanted.update(piece)
  expect((await digest(response)).hash).toBe(wanted.digest('hex'))
})

test('bodies that come in on pipelined requests in odd pieces arrive whole', async () => {
  const origin = await flow.origin((incoming, response) => {
    void digest(incoming).then(({ hash }) => response.end(hash))
  })
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)
  const bodies = Array.from({ length: 6 }, (_, i) => Buffer.alloc(20_000 + i * 7919, `body ${i} `))
  const wire = Buffer.concat(
    bodies.flatMap((body) => [
      Buffer.from(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n`),
      body,
    ]),
  )

  for (let at = 0; at < wire.length; at += 7001) client.send(wire.subarray(at, at + 7001))

  const hashes = (await client.responses(bodies.length)).map(({ body }) => body)
  expect(hashes).toEqual(bodies.map((body) => createHash('sha1').update(body).digest('hex')))
})

test('large answers to a client that reads late come one after the other, whole', async () => {
  const bodies = Array.from({ length: 8 }, (_, i) => new Body(2 * MiB + i))
  const origin = await flow.origin((incoming, response) => {
    const body = bodies[Number(incoming.url?.slice(1))] as Body
    response.writeHead(200, { 'content-length': body.size })
    body.stream().pipe(response)
  })
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.socket.pause()
  client.send(bodies.map((_, i) => `GET /${i} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''))
  await engine.settledAt(1).then(() => client.socket.resume())

  const hashes = (await client.responses(bodies.length)).map(({ body }) =>
    createHash('sha1').update(body, 'latin1').digest('hex'),
  )
  expect(hashes).toEqual(bodies.map((body) => body.hash()))
})
