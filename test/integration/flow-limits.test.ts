import { describe, expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { useFlow } from '../support/flow.ts'
import { answer } from '../support/recording-origin.ts'

const flow = useFlow()
const limit = 10_000

async function limited() {
  const origin = await flow.rawOrigin((request) => answer(String(request.body.length)))
  const engine = await flow.engine({ origins: [origin], listener: { limits: { bodyBytes: limit } } })
  return { origin, engine, client: await flow.client(engine) }
}

function chunked(...sizes: number[]): string {
  return sizes.map((size) => `${size.toString(16)}\r\n${'a'.repeat(size)}\r\n`).join('')
}

describe('a body', () => {
  test('of just the limit is taken', async () => {
    const { client } = await limited()

    client.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${limit}\r\n\r\n${'a'.repeat(limit)}`)
    expect((await client.response()).body).toBe(String(limit))
    client.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunked(limit - 1, 1)}0\r\n\r\n`)
    expect((await client.response()).body).toBe(String(limit))
  })

  test('that declares more is 413 before anything goes upstream', async () => {
    const { client, origin, engine } = await limited()

    const response = await client
      .send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${limit + 1}\r\n\r\nabc`)
      .response()

    expect(header(response, 'x-tidegate-error')).toBe('body-too-large')
    expect(header(response, 'connection')).toBe('close')
    expect((await client.rest()).ending).toBe('fin')
    expect(origin.connections).toHaveLength(0)
    expect((await engine.settledAt(1)).status).toBe(413)
  })

  test('that declares more is refused before the client sends it', async () => {
    const { client } = await limited()

    const response = await client
      .send(`POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: ${limit + 1}\r\n\r\n`)
      .response()

    expect(response.status).toBe(413)
  })

  test('whose chunks become more is 413, and what began to go upstream is cut off', async () => {
    const { client, origin, engine } = await limited()

    client.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunked(100)}`)
    const upstream = await origin.connectionAt(1, 200)
    client.send(chunked(limit - 100, 1, 500))
    const response = await client.response()

    expect(header(response, 'x-tidegate-error')).toBe('body-too-large')
    expect((await client.rest()).ending).toBe('fin')
    await upstream.closed()
    expect(upstream.requests).toHaveLength(0)
    expect(engine.ledger.endpoint(engine.slot(origin.port), -1).inflight()).toBe(0)
    expect((await engine.settledAt(1)).failure).toBe('body-too-large')
  })

  test('of chunks that becomes too large behind the answer’s head cuts the answer', async () => {
    const origin = await flow.rawOrigin()
    const engine = await flow.engine({ origins: [origin], listener: { limits: { bodyBytes: limit } } })
    const client = await flow.client(engine)

    client.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunked(100)}`)
    const upstream = await origin.connectionAt(1, 200)
    upstream.socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n')
    await client.bytes(50)
    client.send(chunked(limit))

    await expect(client.response()).rejects.toThrow('the connection ended')
    await upstream.closed()
  })
})

test.each([
  ['of just the limit', 1024, 200],
  ['of one byte more', 1025, 431],
])('a head %s is %i bytes: %i', async (_name, size, status) => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin], listener: { limits: { headBytes: 1024 } } })
  const client = await flow.client(engine)
  const start = 'GET / HTTP/1.1\r\nhost: a\r\nx: '

  const response = await client.send(`${start}${'x'.repeat(size - start.length)}\r\n\r\n`).response()

  expect(response.status).toBe(status)
})

test.each([
  [10, 200],
  [11, 431],
])('%i fields where 10 are allowed are %i', async (count, status) => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin], listener: { limits: { headFields: 10 } } })
  const client = await flow.client(engine)

  const fields = Array.from({ length: count - 1 }, (_, i) => `x-${i}: y\r\n`).join('')
  const response = await client.send(`GET / HTTP/1.1\r\nhost: a\r\n${fields}\r\n`).response()

  expect(response.status).toBe(status)
})
