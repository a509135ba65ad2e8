import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { TLSSocket, type TlsOptions } from 'node:tls'
import { describe, expect, test, vi } from 'vitest'
import type { EngineName, ClientTlsSettings } from '../../src/core/snapshot.ts'
import { DownstreamConnection } from '../../src/proxy/h1/downstream.ts'
import { Authority, type CertificateOptions } from '../support/certificates.ts'
import type { Engine, OriginAddress } from '../support/engine.ts'
import { useFlow } from '../support/flow.ts'
import { answer, type RecordingOrigin } from '../support/recording-origin.ts'
import { expectProblem } from '../support/stage.ts'

const flow = useFlow()
const authority = Authority.create('endpoints')
const strangers = Authority.create('strangers')
const verified: ClientTlsSettings = { ca: authority.cert, servername: null, keyPair: null, verify: true }
const get = 'GET /x HTTP/1.1\r\nhost: shop.test\r\n\r\n'
const post = 'POST /x HTTP/1.1\r\nhost: shop.test\r\ncontent-length: 5\r\n\r\nhello'

function secureOrigin(issued: CertificateOptions, options: TlsOptions = {}, by = authority): Promise<RecordingOrigin> {
  return flow.rawOrigin((request) => answer(request.body || request.target), { ...by.issue(issued), ...options })
}

/** A TCP listener that does with connections what it is told. */
async function listener(accept: (socket: Socket) => void): Promise<OriginAddress> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    accept(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  flow.defer(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return { port: (server.address() as AddressInfo).port }
}

/** The TLS connections that the origin has accepted, in order. */
function secured(origin: RecordingOrigin): TLSSocket[] {
  return origin.connections.map(({ socket }) => socket as TLSSocket)
}

describe.each(['fast', 'standard'] as const)('TLS to endpoints (%s)', (engineName: EngineName) => {
  function serve(
    origins: readonly OriginAddress[],
    tls: Partial<ClientTlsSettings> = {},
    service: { connectTimeoutMs?: number } = {},
  ): Promise<Engine> {
    return flow.engine({
      origins,
      listener: { engine: engineName },
      service: { ...service, tls: { ...verified, ...tls } },
    })
  }

  describe('takes a certificate', () => {
    test.each<[string, CertificateOptions, Partial<ClientTlsSettings>, string | undefined, string | false]>([
      ['for the name in the registry', { names: ['billing.test'] }, {}, 'billing.test', 'billing.test'],
      ['for the address, where the registry has no name', { names: ['127.0.0.1'] }, {}, undefined, false],
      ['for the name it is told', { names: ['told.test'] }, { servername: 'told.test' }, 'billing.test', 'told.test'],
      ['for the address it is told', { names: ['192.0.2.7'] }, { servername: '192.0.2.7' }, 'billing.test', false],
      ['with a wildcard', { names: ['*.eu.test'] }, {}, 'billing.eu.test', 'billing.eu.test'],
    ])('%s', async (_, issued, tls, hostName, sni) => {
      const origin = await secureOrigin(issued, { ALPNProtocols: ['h2', 'http/1.1'] })
      const engine = await serve([{ port: origin.port, ...(hostName !== undefined && { hostName }) }], tls)
      const client = await flow.client(engine)
      expect(await client.send(get).response()).toMatchObject({ status: 200, body: '/x' })
      const [connection] = secured(origin)
      expect(connection?.servername).toBe(sni)
      expect(connection?.alpnProtocol).toBe('http/1.1')
      expect(origin.requests[0]?.raw).toContain('host: shop.test\r\n')
    })

    test.each<[string, CertificateOptions, Authority]>([
      ['of anybody', { names: ['127.0.0.1'] }, strangers],
      ['for anything', { names: ['other.test'] }, authority],
      ['that has expired', { names: ['127.0.0.1'], notAfter: new Date(Date.now() - 1000) }, authority],
    ])('%s, where nothing is verified', async (_, issued, by) => {
      const origin = await secureOrigin(issued, {}, by)
      const engine = await serve([origin], { verify: false, ca: null })
      const client = await flow.client(engine)
      expect((await client.send(get).response()).status).toBe(200)
    })
  })

  describe('answers tls-failed, and sends nothing, where the endpoint', () => {
    test.each<[string, () => Promise<OriginAddress>]>([
      ['is of another authority', () => secureOrigin({ names: ['127.0.0.1'] }, {}, strangers)],
      ['has a certificate for another name', () => secureOrigin({ names: ['other.test'] })],
      ['has one for the name that the client asked for', () => secureOrigin({ names: ['shop.test'] })],
      ['has one that has expired', () => secureOrigin({ names: ['127.0.0.1'], notAfter: new Date(Date.now() - 1000) })],
      [
        'speaks nothing newer than TLS 1.1',
        () =>
          secureOrigin(
            { names: ['127.0.0.1'] },
            { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' },
          ),
      ],
      ['speaks plain HTTP', () => listener((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))],
      ['ends in the handshake', () => listener((socket) => socket.once('data', () => socket.end()))],
      ['resets in the handshake', () => listener((socket) => socket.once('data', () => socket.resetAndDestroy()))],
    ])('%s', async (_, start) => {
      const origin = await start()
      const engine = await serve([origin])
      const client = await flow.client(engine)
      expectProblem(await client.send(get).response(), 'tls-failed')
      expect(await engine.settledAt(1)).toMatchObject({ failure: 'tls-failed', attempts: 1 })
      const { connections = [] } = origin as Partial<RecordingOrigin>
      expect(connections.filter(({ received }) => received !== '')).toEqual([])
    })
  })

  test('retries a failed handshake on another endpoint, whatever the method', async () => {
    const bad = await secureOrigin({ names: ['other.test'] })
    const good = await secureOrigin({ names: ['127.0.0.1'] })
    const engine = await serve([bad, good])
    const client = await flow.client(engine)
    const responses = await client.send(post + post).responses(2)
    expect(responses.map(({ body }) => body)).toEqual(['hello', 'hello'])
    expect(good.requests).toHaveLength(2)
    expect(Math.max(...engine.settled.map(({ attempts }) => attempts))).toBe(2)
  })

  test('ejects an endpoint whose handshakes keep failing: it counts, and is not certain', async () => {
    const bad = await secureOrigin({ names: ['other.test'] })
    const good = await secureOrigin({ names: ['127.0.0.1'] })
    const engine = await serve([bad, good])
    const client = await flow.client(engine)
    await client.send(get.repeat(12)).responses(12)
    expect((await engine.message('ejected')).ejection).toMatchObject({
      reason: 'consecutive',
      cause: '5 failures in a row, the last: tls-failed',
    })
  })

  test('says connect-refused where nothing listens', async () => {
    const origin = await secureOrigin({ names: ['127.0.0.1'] })
    const { port } = origin
    await origin.close()
    const engine = await serve([{ port }])
    const client = await flow.client(engine)
    expectProblem(await client.send(get).response(), 'connect-refused')
  })

  test('counts the handshake as part of connecting', async () => {
    const silent = await listener(() => {})
    const engine = await serve([silent], {}, { connectTimeoutMs: 100 })
    const client = await flow.client(engine)
    expectProblem(await client.send(get).response(), 'connect-timeout')
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'resumes the session of an earlier connection (%s)',
    async (maxVersion) => {
      const origin = await secureOrigin({ names: ['127.0.0.1'] }, { maxVersion })
      const engine = await serve([origin])
      const resumed: unknown[] = []
      origin.script = ({ connection: { socket } }) => {
        resumed.push((socket as TLSSocket).isSessionReused())
        socket.end(answer('x', '200 OK', 'connection: close\r\n'))
      }
      const client = await flow.client(engine)
      for (let i = 0; i < 3; i++) expect((await client.send(get).response()).status).toBe(200)
      expect(resumed).toEqual([false, true, true])
    },
  )

  test('shows a certificate to an endpoint that asks for one', async () => {
    const clients = Authority.create('clients')
    const options = { requestCert: true, rejectUnauthorized: true, ca: clients.cert }
    const origin = await secureOrigin({ names: ['127.0.0.1'] }, options)
    const engine = await serve([origin], { keyPair: clients.issue({ subject: [['CN', 'gateway']] }) })
    const client = await flow.client(engine)
    expect((await client.send(get).response()).status).toBe(200)
    expect(secured(origin)[0]?.getPeerX509Certificate()?.subject).toBe('CN=gateway')
  })

  test('uses other connections for other settings, and the same for the same', async () => {
    const origin = await secureOrigin({ names: ['127.0.0.1', 'a.test'] })
    const engine = await serve([origin])
    const client = await flow.client(engine)
    const settings = structuredClone(verified)
    for (const servername of [null, null, 'a.test', 'a.test']) {
      await engine.reconfigureService({ tls: { ...settings, servername } })
      expect((await client.send(get).response()).status).toBe(200)
    }
    expect(secured(origin).map((socket) => socket.servername)).toEqual([false, 'a.test'])
    await engine.reconfigureService({ tls: { ...settings, ca: strangers.cert } })
    expectProblem(await client.send(get).response(), 'tls-failed')
  })

  test('relays large bodies both ways', async () => {
    const origin = await secureOrigin({ names: ['127.0.0.1'] })
    const engine = await serve([origin])
    const client = await flow.client(engine)
    const body = Array.from({ length: 300_000 }, (_, i) => String.fromCharCode(33 + (i % 90))).join('')
    const request = `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    for (let i = 0; i < 3; i++) expect((await client.send(request).response()).body).toBe(body)
    expect(origin.connections).toHaveLength(1)
  })
})

test('a connection that was paused for a slow client is read again before it serves another', async () => {
  // One read of the gateway brings all records of an answer; the first of them finds the client blocked.
  const blocked = vi.spyOn(DownstreamConnection.prototype, 'isBlocked', 'get')
  flow.defer(() => blocked.mockRestore())
  const origin = await flow.rawOrigin(
    ({ target }) => {
      if (target !== '/slow') return answer('next')
      blocked.mockReturnValue(true)
      return answer('a'.repeat(4000))
    },
    authority.issue({ names: ['127.0.0.1'] }),
  )
  const engine = await flow.engine({ origins: [origin], service: { tls: verified } })
  const client = await flow.client(engine)
  await client.send(get).response()
  secured(origin)[0]?.setMaxSendFragment(512)
  client.send(get.replace('/x', '/slow'))
  await engine.settledAt(2)
  blocked.mockRestore()

  expect((await client.response()).body).toHaveLength(4000)
  expect((await client.send(get).response()).body).toBe('next')
  expect(origin.connections).toHaveLength(1)
})
