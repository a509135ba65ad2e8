import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { exchangeRaw, RawClient } from '../support/raw-client.ts'
import { answer } from '../support/recording-origin.ts'
import { overEngines } from '../support/over-engines.ts'
import {
  canonical,
  deliver,
  deliveries,
  expectForwarded,
  expectRefused,
  expectStillServing,
  type Stage,
} from '../support/stage.ts'

overEngines(({ setStage }) => {
  let stage: Stage
  let fields = ''
  beforeAll(async () => {
    stage = await setStage({}, (request) => answer(request.target, '200 OK', fields))
  })
  afterAll(async () => stage.close())

  describe.each(deliveries)('a request delivered %s', (delivery) => {
    test.each([
      ['Keep-Alive', 'Keep-Alive: timeout=5\r\n'],
      ['Proxy-Connection', 'Proxy-Connection: keep-alive\r\n'],
      ['Proxy-Authorization', 'Proxy-Authorization: Basic eDp5\r\n'],
      ['Proxy-Authenticate', 'Proxy-Authenticate: Basic\r\n'],
      ['Connection', 'Connection: keep-alive\r\n'],
      ['TE', 'TE: gzip\r\n'],
      ['TE that Connection does not name', 'TE: trailers\r\n'],
      ['Upgrade that Connection does not name', 'Upgrade: websocket\r\n'],
      ['Expect without a body', 'Expect: 100-continue\r\n'],
      ['Proxy (httpoxy)', 'Proxy: http://evil/\r\n'],
      ['X-Forwarded-For', 'X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 7.7.7.7\r\n'],
      ['X-Forwarded-Proto', 'X-Forwarded-Proto: https\r\n'],
      ['X-Forwarded-Host', 'X-Forwarded-Host: evil\r\n'],
      ['X-Forwarded-Port', 'X-Forwarded-Port: 666\r\n'],
      ['X-Forwarded-Prefix', 'X-Forwarded-Prefix: /evil\r\n'],
      ['X-Forwarded-Server', 'X-Forwarded-Server: evil\r\n'],
      ['X-Real-IP', 'X-Real-IP: 6.6.6.6\r\n'],
      ['Forwarded', 'Forwarded: for=6.6.6.6;proto=https\r\nforwarded: by=x\r\n'],
      ['underscore twins', 'x_forwarded_for: 6.6.6.6\r\nX_Real_IP: 6.6.6.6\r\nX-Forwarded_Proto: https\r\n'],
      ['a bad request id', 'x-request-id: a b\r\n'],
      ['an overlong request id', `x-request-id: ${'a'.repeat(129)}\r\n`],
      ['an upgrade to h2c', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'],
      [
        'an upgrade to h2c whose settings Connection does not name',
        'Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n',
      ],
      ['settings of HTTP/2 alone', 'HTTP2-Settings: AAMAAABk\r\n'],
      ['an upgrade to h2c among others', 'Connection: upgrade\r\nUpgrade: websocket, h2c\r\n'],
      ['an upgrade in HTTP/1.1 with prior knowledge', 'Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n'],
      ['fields that Connection names', 'Connection: X-Hop, close\r\nx-hop: 1\r\nX-HOP: 2\r\n'],
      ['an upgrade behind a no-break space', 'Connection: \xa0upgrade\r\nUpgrade: websocket\r\n'],
      ['fields that two Connections name', 'x-a: 1\r\nConnection: x-a\r\nx-b: 2\r\nConnection: x-b\r\n'],
    ])('drops %s', async (_name, lines) => {
      const wanted = canonical({ line: 'GET /dropped', carried: 'x-kept: 1\r\nx-last: 2\r\n' })
      const bytes = `GET /dropped HTTP/1.1\r\nhost: a\r\nx-kept: 1\r\n${lines}x-last: 2\r\n\r\n`
      await expectForwarded(stage, bytes, wanted, delivery)
    })

    test('lets Connection take away neither framing nor identity nor credentials', async () => {
      const names =
        'close, host, content-length, transfer-encoding, x-forwarded-for, x-forwarded-proto, x-forwarded-host'
      const more = 'forwarded, x-request-id, authorization, cookie, x-real-ip, x-forwarded-user'
      // A proxy before us may have said who the client is, in a field that we do not know.
      const carried = 'content-length: 5\r\nauthorization: Bearer x\r\ncookie: a=b\r\nx-forwarded-user: alice\r\n'
      const bytes = `POST /named HTTP/1.1\r\nhost: a\r\nConnection: ${names}, ${more}\r\n${carried}\r\nhello`
      await expectForwarded(stage, bytes, canonical({ line: 'POST /named', carried, body: 'hello' }), delivery)
    })

    test('offers to take trailers where the client does', async () => {
      const added = 'connection: te\r\nte: trailers\r\n'
      const bytes = 'GET /te HTTP/1.1\r\nhost: a\r\nConnection: TE\r\nTE: trailers, deflate;q=0.5\r\n\r\n'
      await expectForwarded(stage, bytes, canonical({ line: 'GET /te', added }), delivery)
    })

    test('forwards an upgrade, and tunnels nothing when it is not accepted', async () => {
      const added = 'connection: upgrade\r\nupgrade: websocket\r\n'
      const bytes = 'GET /ws HTTP/1.1\r\nhost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n'
      await expectForwarded(stage, bytes, canonical({ line: 'GET /ws', added }), delivery)
    })

    test.each([
      ['OPTIONS', '5', '4'],
      ['OPTIONS', '1', '0'],
      ['OPTIONS', '007', '6'],
      ['GET', '5', '5'],
      ['GET', '0', '0'],
      ['POST', 'many', 'many'],
    ])('of the method %s with Max-Forwards: %s goes on with %s', async (method, sent, wanted) => {
      const bytes = `${method} /far HTTP/1.1\r\nhost: a\r\nmax-forwards: ${sent}\r\nx-a: b\r\n\r\n`
      const carried = `max-forwards: ${wanted}\r\nx-a: b\r\n`
      await expectForwarded(stage, bytes, canonical({ line: `${method} /far`, carried }), delivery)
    })

    test('that is OPTIONS and may be forwarded no further is answered here', async () => {
      const { engine, origin } = stage
      const before = origin.receivedBytes
      const client = await RawClient.connect(engine.port)
      await deliver(client, 'OPTIONS /far HTTP/1.1\r\nhost: a\r\nMax-Forwards: 0\r\n\r\n', delivery)
      const response = await client.response()
      expect(response).toMatchObject({ status: 200, body: '', framing: 'length' })
      expect(header(response, 'allow')).toContain('OPTIONS')
      expect(origin.receivedBytes).toBe(before)
      expect((await client.send('GET /next HTTP/1.1\r\nhost: a\r\n\r\n').response()).body).toBe('/next')
      client.destroy()
      await expectStillServing(stage)
    })

    test('that is OPTIONS, may go no further and has a body yet to come is answered, and the connection ends', async () => {
      const client = await RawClient.connect(stage.engine.port)
      const head = 'OPTIONS / HTTP/1.1\r\nhost: a\r\nmax-forwards: 0\r\ncontent-length: 5\r\n\r\n'
      await deliver(client, `${head}abc`, delivery)
      const response = await client.response()
      expect([response.status, header(response, 'connection')]).toEqual([200, 'close'])
      expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
      client.destroy()
      await expectStillServing(stage)
    })

    test.each(['', '-1', '+1', '1x', '1, 1', '1\r\nmax-forwards: 1'])(
      'that is OPTIONS with Max-Forwards: %j is refused',
      async (value) => {
        const bytes = `OPTIONS / HTTP/1.1\r\nhost: a\r\nmax-forwards: ${value}\r\n\r\n`
        await expectRefused(stage, bytes, 'bad-request', delivery)
      },
    )

    test.each(['100-continue, x', 'x', '200-ok', ''])('refuses the expectation %j', async (expectation) => {
      const bytes = `POST / HTTP/1.1\r\nhost: a\r\nexpect: ${expectation}\r\ncontent-length: 1\r\n\r\nx`
      await expectRefused(stage, bytes, 'expectation-failed', delivery)
    })
  })

  test('keeps a harmless request id, and shows the id it made in its own answers only', async () => {
    const { engine, origin } = stage
    await exchangeRaw(engine.port, 'GET /id HTTP/1.1\r\nhost: a\r\nX-Request-Id: Ab9._-z\r\n\r\n')
    expect(origin.requests.at(-1)?.raw).toContain('x-request-id: Ab9._-z\r\n')
    const refused = await exchangeRaw(engine.port, 'GET /%zz HTTP/1.1\r\nhost: a\r\nx-request-id: mine\r\n\r\n')
    expect(header(refused, 'x-request-id')).toBe(engine.settled.at(-1)?.requestId)
  })

  test.each([200, 426])('reads on as HTTP after an upgrade that was answered with %i', async (status) => {
    const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\n'
    const refusing = await setStage({}, (request) => answer(request.target, `${status} Status`, upgrade))
    const client = await RawClient.connect(refusing.engine.port)
    client.send(`GET /ws HTTP/1.1\r\nhost: a\r\n${upgrade}\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n`)
    const [first, second] = await client.responses(2)
    expect([first?.body, second?.body]).toEqual(['/ws', '/smuggled'])
    expect(first && header(first, 'upgrade')).toBeUndefined()
    expect(refusing.origin.requests.map(({ target }) => target)).toEqual(['/ws', '/smuggled'])
    client.destroy()
    await refusing.close()
  })

  test('takes a switch to a protocol that was not asked for for a bad response', async () => {
    const other = await setStage({}, (request) =>
      request.target === '/ws'
        ? 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n'
        : answer(request.target),
    )
    const bytes = 'GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'
    expect(header(await exchangeRaw(other.engine.port, bytes), 'x-tidegate-error')).toBe('bad-response')
    await expectStillServing(other)
    await other.close()
  })

  test('keeps the hop-by-hop fields of a response, and those its Connection names, to itself', async () => {
    fields =
      'Connection: x-hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nProxy-Authenticate: x\r\n' +
      'TE: x\r\nX-Kept: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nServer: origin\r\n'
    const response = await exchangeRaw(stage.engine.port, 'GET /r HTTP/1.1\r\nhost: a\r\n\r\n')
    fields = ''
    expect(response.fields).toEqual([
      ['content-length', '2'],
      ['X-Kept', '1'],
      ['Set-Cookie', 'a'],
      ['Set-Cookie', 'b'],
      ['Server', 'origin'],
    ])
  })

  describe('a trusted proxy in front', () => {
    const head = 'GET /t HTTP/1.1\r\nhost: a\r\n'

    test('has its forwarded fields appended to, and its word on the request kept', async () => {
      const trusting = await setStage({ listener: { trustedProxies: ['127.0.0.0/8', '10.0.0.1'] } })
      const lines =
        'X-Forwarded-For: 6.6.6.6, 9.9.9.9\r\nx-forwarded-for: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n' +
        'X-Forwarded-Host: shop.test\r\nX-Forwarded-Port: 443\r\nForwarded: for=9.9.9.9\r\n' +
        'X-Real-IP: 9.9.9.9\r\nX-Forwarded-Prefix: /shop\r\nx-forwarded-server: front\r\nx_real_ip: 6.6.6.6\r\n'
      await exchangeRaw(trusting.engine.port, `${head}${lines}\r\n`)
      const request = trusting.origin.requests.at(-1)
      expect(request?.fields.filter(([name]) => name !== 'x-request-id')).toEqual([
        ['host', 'a'],
        ['x-forwarded-for', '6.6.6.6, 9.9.9.9, 10.0.0.1, 127.0.0.1'],
        ['x-forwarded-proto', 'https'],
        ['x-forwarded-port', '443'],
        ['x-forwarded-host', 'shop.test'],
        ['forwarded', 'for=9.9.9.9, for=127.0.0.1;proto=http;host=a'],
        ['X-Real-IP', '9.9.9.9'],
        ['X-Forwarded-Prefix', '/shop'],
        ['x-forwarded-server', 'front'],
      ])
      expect((await trusting.engine.settledAt(1)).clientAddress).toBe('9.9.9.9')
      await trusting.close()
    })

    test('has its word on the client kept from a Connection that would take it away', async () => {
      const trusting = await setStage({ listener: { trustedProxies: ['127.0.0.1'] } })
      await exchangeRaw(trusting.engine.port, `${head}X-Real-IP: 9.9.9.9\r\nConnection: x-real-ip\r\n\r\n`)
      expect(trusting.origin.requests.at(-1)?.raw).toContain('X-Real-IP: 9.9.9.9\r\n')
      await trusting.close()
    })

    test('is believed in nothing it left out', async () => {
      const trusting = await setStage({ listener: { trustedProxies: ['127.0.0.1'] } })
      await expectForwarded(trusting, `${head}\r\n`, canonical({ line: 'GET /t' }), 'in one piece')
      await trusting.close()
    })
  })
})
