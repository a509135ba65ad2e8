import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { HealthCheck } from '../../../src/core/health-check.ts'
import type { ClientTlsSettings } from '../../../src/core/snapshot.ts'
import { probeCheck, type CheckTarget } from '../../../src/health/check-probe.ts'
import { Authority, type Certificate } from '../../support/certificates.ts'
import { healthCheck as http } from '../../support/health-check.ts'

const never = new AbortController().signal
const tcp: HealthCheck = { ...http, path: null }

interface Peer {
  readonly port: number
  /** What the clients sent so far. */
  readonly received: () => string
  readonly close: () => Promise<void>
}

/** Hands each connection to the test with the first bytes that came over it; without `onHead` nothing is ever sent. */
async function listener(onHead: (socket: Socket) => void = () => {}, certificate?: Certificate): Promise<Peer> {
  const sockets: Socket[] = []
  let received = ''
  const accept = (socket: Socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => onHead(socket))
    socket.on('data', (bytes) => (received += bytes.toString('latin1')))
  }
  const server = certificate === undefined ? createServer(accept) : createTlsServer({ ...certificate }, accept)
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  onTestFinished(close)
  return { port, received: () => received, close }
}

function says(text: string): (socket: Socket) => void {
  return (socket) => void socket.write(text)
}

function probe(port: number, check: Partial<HealthCheck> = {}, target: Partial<CheckTarget> = {}) {
  const asked = { host: '127.0.0.1', hostName: null, port, check: { ...http, ...check }, tls: null, ...target }
  return probeCheck(asked, never)
}

const ok = says('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')

describe('an HTTP check', () => {
  it('asks for its path, under the address, over a connection that it closes', async () => {
    const peer = await listener(ok)
    expect(await probe(peer.port, { path: '/health?deep=1' })).toEqual({ verdict: 'passed', cause: 'it passes' })
    expect(peer.received()).toContain('GET /health?deep=1 HTTP/1.1\r\n')
    expect(peer.received()).toContain(`host: 127.0.0.1:${peer.port}\r\n`)
  })

  it.each<[string, Partial<HealthCheck>, string | null, string]>([
    ['the name in the registry', {}, 'users.test', 'host: users.test:PORT\r\n'],
    ['the host that it is told', { host: 'told.test' }, 'users.test', 'host: told.test\r\n'],
  ])('asks under %s', async (_, check, hostName, field) => {
    const peer = await listener(ok)
    await probe(peer.port, check, { hostName })
    expect(peer.received()).toContain(field.replace('PORT', String(peer.port)))
  })

  it('asks another port than that of the requests', async () => {
    const peer = await listener(ok)
    expect((await probe(1, { port: peer.port })).verdict).toBe('passed')
  })

  const notFound = says('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')
  it.each<[string, (socket: Socket) => void, HealthCheck['statuses'], string]>([
    ['a redirect', says('HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n'), http.statuses, 'passed'],
    ['a status that it is told', notFound, [{ from: 404, to: 404 }], 'passed'],
    [
      'an answer behind an interim one',
      says('HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 204 No\r\n\r\n'),
      http.statuses,
      'passed',
    ],
    ['an answer that ends with the connection', (s) => s.end('HTTP/1.1 200 OK\r\n\r\nok'), http.statuses, 'passed'],
    [
      'the beginning of an endless body',
      says(`HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n${'x'.repeat(70_000)}`),
      http.statuses,
      'passed',
    ],
  ])('is passed by %s', async (_, onHead, statuses, verdict) => {
    const peer = await listener(onHead)
    expect((await probe(peer.port, { statuses })).verdict).toBe(verdict)
  })

  it.each<[string, (socket: Socket) => void, string, string]>([
    ['a 500', says('HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n'), 'failed', 'it answered 500'],
    [
      'a 500 whose body never comes',
      says('HTTP/1.1 500 Oops\r\ncontent-length: 9\r\n\r\n'),
      'failed',
      'it answered 500',
    ],
    [
      'a 101 that nobody asked for',
      says('HTTP/1.1 101 Up\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      'failed',
      'it answered 101',
    ],
    ['garbage', says('\x16\x03\x01 garbage\r\n\r\n'), 'failed', 'Parse Error: Expected HTTP/, RTSP/ or ICE/'],
    ['a reset', (socket) => void socket.resetAndDestroy(), 'silent', 'no whole answer (ECONNRESET)'],
    ['an end without an answer', (socket) => void socket.end(), 'silent', 'no whole answer (ECONNRESET)'],
    ['half a head, then silence', says('HTTP/1.1 200 OK\r\nx: '), 'silent', 'no answer within 200 ms'],
    [
      'half a body, then silence',
      says('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx'),
      'silent',
      'no answer within 200 ms',
    ],
    [
      'half a body, then the end',
      (s) => s.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx'),
      'silent',
      'no whole answer (ECONNRESET)',
    ],
    ['silence', () => {}, 'silent', 'no answer within 200 ms'],
  ])('is failed by %s', async (_, onHead, verdict, cause) => {
    const peer = await listener(onHead)
    expect(await probe(peer.port, { timeoutMs: cause.endsWith('200 ms') ? 200 : 5000 })).toEqual({ verdict, cause })
  })
})

describe.each<[string, HealthCheck]>([
  ['an HTTP', http],
  ['a TCP', tcp],
])('%s check', (_, check) => {
  it('finds a port that refuses', async () => {
    const peer = await listener()
    await peer.close()
    expect(await probe(peer.port, check)).toEqual({ verdict: 'refused', cause: 'it refused a connection' })
  })

  it('says nothing about the other side when it is aborted', async () => {
    const peer = await listener()
    const abort = new AbortController()
    const target = { host: '127.0.0.1', hostName: null, port: peer.port, check, tls: null }
    const asked = probeCheck(target, abort.signal)
    abort.abort()
    expect((await asked).verdict).toBe('unknown')
    expect((await probeCheck(target, abort.signal)).verdict).toBe('unknown')
  })

  describe('through TLS', () => {
    const authority = Authority.create('endpoints')
    const strangers = Authority.create('strangers')
    const trusting: ClientTlsSettings = { ca: authority.cert, servername: null, keyPair: null, verify: true }

    it.each<[string, Certificate, Partial<ClientTlsSettings>, string | null]>([
      ['for the address', authority.issue({ names: ['127.0.0.1'] }), {}, null],
      ['for the name in the registry', authority.issue({ names: ['users.test'] }), {}, 'users.test'],
      [
        'for the name that it is told',
        authority.issue({ names: ['told.test'] }),
        { servername: 'told.test' },
        'users.test',
      ],
      ['of anybody, where nothing is verified', strangers.issue({ names: ['x.test'] }), { verify: false }, null],
    ])('is passed with a certificate %s', async (__, certificate, tls, hostName) => {
      const peer = await listener(ok, certificate)
      expect(await probe(peer.port, check, { hostName, tls: { ...trusting, ...tls } })).toMatchObject({
        verdict: 'passed',
      })
    })

    it.each<[string, Certificate]>([
      ['of another authority', strangers.issue({ names: ['127.0.0.1'] })],
      ['for another name', authority.issue({ names: ['other.test'] })],
    ])('is failed by a certificate %s, and sends nothing', async (__, certificate) => {
      const peer = await listener(ok, certificate)
      expect(await probe(peer.port, check, { tls: trusting })).toMatchObject({ verdict: 'failed' })
      expect(peer.received()).toBe('')
    })

    it('is failed where the endpoint speaks plain text', async () => {
      const peer = await listener(says('HTTP/1.1 400 Bad Request\r\n\r\n'))
      expect(await probe(peer.port, check, { tls: trusting })).toMatchObject({ verdict: 'failed' })
    })
  })
})

describe('a TCP check', () => {
  it('is passed by a connection that is accepted, whatever follows', async () => {
    const peer = await listener()
    expect(await probe(peer.port, tcp)).toEqual({ verdict: 'passed', cause: 'it passes' })
  })
})
