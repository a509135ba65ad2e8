import { describe, expect, test } from 'vitest'
import type { Engine, EngineOptions } from '../support/engine.ts'
import { header } from '../support/http-message.ts'
import { useFlow } from '../support/flow.ts'
import { engines } from '../support/over-engines.ts'
import type { RawClient, RawResponse } from '../support/raw-client.ts'
import { answer, type OriginConnection, type RecordingOrigin } from '../support/recording-origin.ts'

const flow = useFlow()
const mebibyte = 1024 * 1024
const fields = 'POST / HTTP/1.1\r\nhost: a\r\n'
const post = (length: number): string => `${fields}content-length: ${length}\r\n\r\n`
const chunkedPost = `${fields}transfer-encoding: chunked\r\n\r\n`
const next = 'POST /next HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi'
const smuggled = 'GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n'

interface Answered {
  readonly client: RawClient
  readonly origin: RecordingOrigin
  readonly engine: Engine
  /** The connection that carried the answer. */
  readonly upstream: OriginConnection
  readonly response: RawResponse
}

describe.each(engines)('behind an answer that is whole before its request, engine: %s,', (name) => {
  /** A part of a request is sent, `early` answers it. Requests that come whole are answered with their target. */
  async function answeredEarly(
    sent: string,
    early = answer('done'),
    listener: EngineOptions['listener'] = {},
  ): Promise<Answered> {
    const origin = await flow.rawOrigin()
    origin.script = ({ target }) => answer(target)
    const engine = await flow.engine({ origins: [origin], listener: { ...listener, engine: name } })
    const client = await flow.client(engine)
    client.send(sent)
    const upstream = await origin.connectionAt(1, fields.length)
    upstream.socket.write(early)
    const response = await client.response()
    return { client, origin, engine, upstream, response }
  }

  test.each([
    ['a short answer', answer('done')],
    ['a chunked answer', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n\r\n'],
    ['a long answer', answer('x'.repeat(3_000_000))],
  ])('%s, the rest of the body is dropped and the next request answered', async (_what, early) => {
    const { client, origin, engine, upstream, response } = await answeredEarly(`${post(100)}begin`, early)
    expect([response.status, header(response, 'connection')]).toEqual([200, undefined])

    client.send('x'.repeat(50)).send('x'.repeat(45)).send(next)

    expect(await client.response()).toMatchObject({ status: 200, body: '/next' })
    await upstream.closed()
    expect(origin.requests).toMatchObject([{ target: '/next', body: 'hi' }])
    expect(origin.connections).toHaveLength(2)
    expect(await engine.settledAt(1)).toMatchObject({ status: 200, failure: null })
    expect(await engine.settledAt(2)).toMatchObject({ path: '/next', status: 200, requestBytes: 2 })
  })

  test('a chunked rest ends with its trailers, however it comes', async () => {
    const { client, origin } = await answeredEarly(`${chunkedPost}3\r\nabc\r\n`)

    await client.sendPieces([...Array.from('5;a=b\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n'), next])

    expect(await client.response()).toMatchObject({ status: 200, body: '/next' })
    expect(origin.requests).toMatchObject([{ target: '/next', body: 'hi' }])
  })

  test('requests that wait behind the rest are answered in their order', async () => {
    const { client } = await answeredEarly(`${chunkedPost}3\r\nabc\r\n`)

    client.send(`0\r\n\r\n${next}GET /2 HTTP/1.1\r\nhost: a\r\n\r\nGET /3 HTTP/1.1\r\nhost: a\r\n\r\n`)

    expect((await client.responses(3)).map(({ body }) => body)).toEqual(['/next', '/2', '/3'])
  })

  test('the rest is never taken for requests', async () => {
    const { client, origin } = await answeredEarly(`${post(smuggled.length * 20)}GET /`)

    client.send(smuggled.repeat(20).slice('GET /'.length)).send(next)

    expect((await client.response()).body).toBe('/next')
    expect(origin.requests).toMatchObject([{ target: '/next' }])
    expect(origin.connections.map(({ received }) => received).join('')).not.toContain('smuggled')
  })

  test.each([
    ['a size that is none', `x\r\n${smuggled}`],
    ['data longer than its size', `1\r\nab\r\n0\r\n\r\n${smuggled}`],
    ['a malformed trailer', `0\r\nno trailer\r\n\r\n${smuggled}`],
  ])('a rest that is no chunked body ends the connection: %s', async (_what, rest) => {
    const { client, origin } = await answeredEarly(`${chunkedPost}3\r\nabc\r\n`)

    client.send(rest)

    expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
    expect(origin.requests).toEqual([])
  })

  test('more than 1 MiB of a chunked rest ends the connection', async () => {
    const { client, origin } = await answeredEarly(`${chunkedPost}3\r\nabc\r\n`)
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`

    client.send(chunk.repeat(17)).send(`0\r\n\r\n${smuggled}`)

    expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
    expect(origin.requests).toEqual([])
  })

  test('the size lines of a chunked rest count', async () => {
    const { client, origin } = await answeredEarly(`${chunkedPost}3\r\nabc\r\n`)

    client.send('1;name=value\r\nx\r\n'.repeat(mebibyte / 16)).send(`1\r\nx\r\n0\r\n\r\n${smuggled}`)

    expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
    expect(origin.requests).toEqual([])
  })

  test('1 MiB of a rest of announced length is dropped', async () => {
    const { client } = await answeredEarly(`${post(mebibyte + 5)}begin`)

    client.send(Buffer.alloc(mebibyte)).send(next)

    expect((await client.response()).body).toBe('/next')
  })

  test('a longer one is told that the connection ends, which it does', async () => {
    const { client, response } = await answeredEarly(`${post(mebibyte + 6)}begin`)

    expect([response.status, header(response, 'connection')]).toEqual([200, 'close'])
    expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
  })

  test('a client that does not go on gets the end of the connection', async () => {
    const { client } = await answeredEarly(`${post(100)}begin`, answer('done'), { timeouts: { bodyMs: 150 } })

    expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
  })

  test('so does one that goes on for longer than a body may pause', async () => {
    const { client } = await answeredEarly(`${post(100_000)}begin`, answer('done'), { timeouts: { bodyMs: 150 } })

    const drip = setInterval(() => client.send('x'), 10)
    flow.defer(() => clearInterval(drip))

    expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
  })

  test('one that sends FIN instead of the rest gets FIN', async () => {
    const { client } = await answeredEarly(`${post(100)}begin`)

    expect(await client.end().rest()).toEqual({ text: '', ending: 'fin' })
  })

  test('one that asks for nothing more is let go after the idle time', async () => {
    const { client } = await answeredEarly(`${post(10)}begin`, answer('done'), { timeouts: { idleMs: 150 } })

    client.send('12345')

    expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
  })

  test('one that waited for 100 and got an answer instead is told that the connection ends', async () => {
    const { client, origin, response } = await answeredEarly(
      `${fields}expect: 100-continue\r\ncontent-length: 9\r\n\r\n`,
    )

    expect([response.status, header(response, 'connection')]).toEqual([200, 'close'])
    client.send(`123456789${smuggled}`)
    expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
    expect(origin.requests).toEqual([])
  })

  test('a listener that closes waits for the rest, and takes no other request', async () => {
    const { client, engine, origin } = await answeredEarly(`${post(10)}begin`)

    const drained = engine.drain(20_000)
    client.send(`12345${smuggled}`)

    expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
    client.end()
    expect(await drained).toBe(0)
    expect(origin.requests).toEqual([])
  })
})
