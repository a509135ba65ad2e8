import { expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { useFlow } from '../support/flow.ts'
import { answer } from '../support/recording-origin.ts'

const flow = useFlow()
const get = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

test('passes trailers of a chunked request on', async () => {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.send(
    'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 900150983cd24fb0\r\nX-Two: b\r\n\r\n',
  )
  await client.response()

  const request = await origin.requestAt(1)
  expect(request).toMatchObject({ framing: 'chunked', body: 'abc' })
  expect(request.trailers).toEqual([
    ['x-sum', '900150983cd24fb0'],
    ['X-Two', 'b'],
  ])
})

test('passes trailers of a chunked response on', async () => {
  const origin = await flow.rawOrigin(
    () => 'HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n',
  )
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const first = await client.send(get).response()
  const second = await client.send(get).response()

  expect(first).toMatchObject({ framing: 'chunked', body: 'abc', trailers: [['x-sum', '1']] })
  expect(second.raw).toBe(first.raw)
  expect(origin.connections).toHaveLength(1)
})

test('keeps Content-Length where there was one, both ways', async () => {
  const origin = await flow.rawOrigin((request) => answer(request.body))
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const response = await client.send('PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello').response()

  expect(response).toMatchObject({ framing: 'length', body: 'hello' })
  expect((await origin.requestAt(1)).framing).toBe('length')
})

test.each([
  ['with a length', 'content-length: 1234\r\n'],
  ['chunked', 'transfer-encoding: chunked\r\n'],
  ['with neither', ''],
])('answers HEAD without a body when the head is one %s', async (_name, fields) => {
  const origin = await flow.rawOrigin((request) =>
    request.method === 'HEAD' ? `HTTP/1.1 200 OK\r\n${fields}\r\n` : answer('body'),
  )
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const head = await client.send('HEAD / HTTP/1.1\r\nhost: a\r\n\r\n').response({ bodyless: true })
  const next = await client.send(get).response()

  expect(header(head, 'content-length')).toBe(fields.includes('1234') ? '1234' : undefined)
  expect(next.body).toBe('body')
  expect(origin.connections).toHaveLength(1)
  expect((await engine.settledAt(1)).responseBytes).toBe(0)
})

test.each([
  ['204 No Content', '', undefined],
  ['204 No Content', 'content-length: 0\r\n', undefined],
  ['304 Not Modified', 'content-length: 500\r\netag: "x"\r\n', '500'],
])('a %s with the fields "%s" has no body and both connections go on', async (status, fields, length) => {
  const origin = await flow.rawOrigin((_request, index) =>
    index === 0 ? `HTTP/1.1 ${status}\r\n${fields}\r\n` : answer('next'),
  )
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const first = await client.send(get).response()
  const second = await client.send(get).response()

  expect(first.startLine).toBe(`HTTP/1.1 ${status}`)
  expect(header(first, 'content-length')).toBe(length)
  expect(header(first, 'transfer-encoding')).toBeUndefined()
  expect(second.body).toBe('next')
  expect(origin.connections).toHaveLength(1)
})

test('sends an answer that its endpoint ends by closing as chunks, and keeps the client', async () => {
  const origin = await flow.rawOrigin((request) => {
    request.connection.socket.end(`HTTP/1.1 200 OK\r\n\r\nto the end of ${request.target}`)
  })
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  for (const target of ['/1', '/2']) {
    const response = await client.send(`GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`).response()
    expect(response).toMatchObject({ framing: 'chunked', body: `to the end of ${target}` })
  }
  expect(origin.connections).toHaveLength(2)
})

test('an answer that its endpoint ends by closing may be empty', async () => {
  const origin = await flow.rawOrigin((request) => void request.connection.socket.end('HTTP/1.1 200 OK\r\n\r\n'))
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  expect(await client.send(get).response()).toMatchObject({ status: 200, framing: 'chunked', body: '' })
})

test('takes answers of HTTP/1.0 endpoints and opens a connection for each', async () => {
  const origin = await flow.rawOrigin((request) => {
    request.connection.socket.end(`HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n${request.target}`)
  })
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  for (const target of ['/1', '/2', '/3']) {
    const response = await client.send(`GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`).response()
    expect(response).toMatchObject({ startLine: 'HTTP/1.1 200 OK', framing: 'length', body: target })
  }
  expect(origin.connections).toHaveLength(3)
})

test('keeps the connection of an HTTP/1.0 endpoint that offers it', async () => {
  const origin = await flow.rawOrigin(() => 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok')
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  for (let i = 0; i < 3; i++) expect((await client.send(get).response()).body).toBe('ok')

  expect(origin.connections).toHaveLength(1)
})

test.each(['HTTP/1.1 200 ', 'HTTP/1.1 200'])('takes the status line "%s" without a reason phrase', async (line) => {
  const origin = await flow.rawOrigin(() => `${line}\r\ncontent-length: 2\r\n\r\nok`)
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  expect(await client.send(get).response()).toMatchObject({ startLine: 'HTTP/1.1 200 ', body: 'ok' })
})

test('takes an answer that comes byte by byte', async () => {
  const wire =
    'HTTP/1.1 200 OK\r\nx-a: b\r\ntransfer-encoding: chunked\r\n\r\n4;ext=1\r\nabcd\r\n10\r\n0123456789abcdef\r\n0\r\nx-t: 1\r\n\r\n'
  const origin = await flow.rawOrigin((request) => {
    const { socket } = request.connection
    const next = (at: number): void => {
      if (at < wire.length) socket.write(wire.charAt(at), () => setImmediate(next, at + 1))
    }
    next(0)
  })
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const response = await client.send(get).response()

  expect(response).toMatchObject({ body: 'abcd0123456789abcdef', trailers: [['x-t', '1']] })
  expect(response.raw).not.toContain('ext=1')
})
