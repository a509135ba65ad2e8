import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { Body, digest } from '../support/bodies.ts'
import { header } from '../support/http-message.ts'
import { useFlow } from '../support/flow.ts'
import { answer } from '../support/recording-origin.ts'

const flow = useFlow()
const post = (length: number): string => `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\n`

test('passes a refusal on while the body still comes, and ends both connections', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send(post(1_000_000)).send(Buffer.alloc(10_000))
  const upstream = await origin.connectionAt(1, 10_000)
  upstream.socket.write(answer('too much', '413 Content Too Large'))
  const response = await client.response()

  expect(response).toMatchObject({ status: 413, body: 'too much' })
  expect(header(response, 'connection')).toBe('close')
  await upstream.closed()
  expect((await client.rest()).ending).toBe('fin')
  expect(await engine.settledAt(1)).toMatchObject({ status: 413, failure: null, requestBytes: 10_000 })
})

test('a client that goes on sending still gets to read the refusal', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.socket.pause()
  client.send(post(64 * 1024 * 1024)).send(Buffer.alloc(20 * 1024 * 1024))
  const upstream = await origin.connectionAt(1, 10_000)
  upstream.socket.write(answer('too much', '413 Content Too Large'))
  await upstream.closed()
  client.socket.resume()

  expect(await client.response()).toMatchObject({ status: 413, body: 'too much' })
})

test('streams both ways at once, and keeps both connections afterwards', async () => {
  const origin = await flow.origin((incoming, response) => {
    response.flushHeaders()
    incoming.pipe(response)
  })
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n')
  for (const piece of ['one', 'two', 'three']) {
    const before = client.received.length
    client.send(`${piece.length}\r\n${piece}\r\n`)
    while (!client.received.slice(before).includes(piece)) await client.bytes(client.received.length + 1)
  }
  client.send('0\r\n\r\n')

  expect(await client.response()).toMatchObject({ status: 200, body: 'onetwothree' })
  client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi')
  expect(await client.response()).toMatchObject({ status: 200, body: 'hi' })
  expect(origin.connections).toBe(1)
})

test('echoes 32 MiB while it is sent', async () => {
  const body = new Body(32 * 1024 * 1024)
  const origin = await flow.origin((incoming, response) => void incoming.pipe(response))
  const engine = await flow.engine({ origins: [origin] })

  const outgoing = request({ port: engine.port, method: 'POST' })
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  const sent = pipeline(body.stream(), outgoing)
  const [response] = await answered

  expect(await digest(response)).toEqual({ size: body.size, hash: body.hash() })
  await sent
})
