import { randomBytes, X509Certificate } from 'node:crypto'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ListenerTlsSettings } from '../../src/core/snapshot.ts'
import { Authority } from '../support/certificates.ts'
import type { Engine, EngineOptions } from '../support/engine.ts'
import { useFlow } from '../support/flow.ts'
import { header } from '../support/http-message.ts'
import { listenerTls } from '../support/listener-tls.ts'
import { metered } from '../support/metered.ts'
import { handshake, ticketOf } from '../support/tls-client.ts'

const flow = useFlow()
const authority = Authority.create('servers')
const clients = Authority.create('clients')
const certificates = [authority.issue({ names: ['edge.test'] }), authority.issue({ names: ['other.test'] })]
const client = { ca: authority.cert }
const secret = randomBytes(48)
const auth = (mode: 'require' | 'optional', ca = clients.cert) => ({ clientAuth: { mode, ca } })

type Listener = NonNullable<EngineOptions['listener']>

/** What a data thread is: an engine with the secret that all threads share. */
async function thread(tls: Partial<ListenerTlsSettings> = {}, listener: Listener = {}): Promise<Engine> {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({
    origins: [origin],
    listener: { ...listener, tls: listenerTls(certificates, tls) },
  })
  await engine.shareTickets(secret)
  return engine
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a session (%s)', (maxVersion) => {
  const options = { ...client, maxVersion }

  test.each(['edge.test', 'other.test'])(
    'is resumed by the ticket of another thread, every time (%s)',
    async (servername) => {
      const [one, other] = [await thread(), await thread()]
      const session = await ticketOf(one.port, { ...options, servername })
      for (let i = 0; i < 20; i++) {
        for (const { port } of [one, other]) {
          expect((await handshake(port, { ...options, servername, session })).isResumed).toBe(true)
        }
      }
    },
  )

  test('is resumed after a reload that changes nothing about what is asked of clients', async () => {
    const engine = await thread()
    const session = await ticketOf(engine.port, options)
    const renewed = [authority.issue({ names: ['edge.test'] })]
    await engine.listen([{ tls: listenerTls(renewed) }])
    expect((await handshake(engine.port, { ...options, session })).isResumed).toBe(true)
  })

  test('is made anew, without an error, once the secret was replaced', async () => {
    const engine = await thread()
    const session = await ticketOf(engine.port, options)
    await engine.shareTickets(randomBytes(48))
    expect((await handshake(engine.port, { ...options, session })).isResumed).toBe(false)
    const renewed = await ticketOf(engine.port, options)
    expect((await handshake(engine.port, { ...options, session: renewed })).isResumed).toBe(true)
  })

  test('stands while the secret is replaced', async () => {
    const engine = await thread()
    const { client: standing } = await flow.tlsClient(engine, options)
    await engine.shareTickets(randomBytes(48))
    expect((await standing.send('GET / HTTP/1.1\r\nhost: edge.test\r\n\r\n').response()).status).toBe(200)
  })

  test.each<[string, Partial<ListenerTlsSettings>, Partial<ListenerTlsSettings>]>([
    ['asks for no certificate, where one is required', {}, auth('require')],
    ['asks for a certificate, where one is required', auth('optional'), auth('require')],
    ['has other authorities', auth('optional', Authority.create('others').cert), auth('optional')],
  ])('is not resumed by a listener with the ticket of one that %s', async (_, from, to) => {
    const [one, other] = [await thread(from), await thread(to)]
    const bob = clients.issue({ subject: [['CN', 'bob']] })
    const session = await ticketOf(one.port, options)
    expect((await handshake(one.port, { ...options, session })).isResumed).toBe(true)
    const handshakes = metered('handshake')
    expect((await handshake(other.port, { ...options, ...bob, session })).isResumed).toBe(false)
    await handshakes.until('edge', 'full')
  })

  test.each<[string, Partial<ListenerTlsSettings>]>([
    ['for no certificate', {}],
    ['for the same certificates', auth('optional')],
  ])('belongs to its listener: another one, that asks %s too, does not resume it', async (_, asked) => {
    const engine = await thread(asked)
    const tls = listenerTls(certificates, asked)
    const { addresses } = await engine.listen([{ tls }, { name: 'second', tls }])
    await engine.shareTickets(secret)
    const ports = [engine.port, addresses[0]?.port as number]
    for (const [i, port] of ports.entries()) {
      const session = await ticketOf(port, options)
      expect((await handshake(port, { ...options, session })).isResumed).toBe(true)
      expect((await handshake(ports[1 - i] as number, { ...options, session })).isResumed).toBe(false)
    }
  })

  test('is not resumed by a reloaded listener that has come to require certificates: it takes a certificate', async () => {
    const engine = await thread(auth('optional'))
    const session = await ticketOf(engine.port, options)
    await engine.listen([{ tls: listenerTls(certificates, auth('require')) }])
    const handshakes = metered('handshake')
    await handshake(engine.port, { ...options, session }).catch(() => {})
    await handshakes.until('edge', 'failed')
    expect(handshakes.calls).toEqual([['edge', 'failed']])
  })

  test('that is resumed brings the certificate of its client along', async () => {
    const origin = await flow.rawOrigin()
    const tls = listenerTls(certificates, auth('require'))
    const engine = await flow.engine({ origins: [origin], listener: { tls } })
    await engine.shareTickets(secret)
    const bob = clients.issue({ subject: [['CN', 'bob']] })
    const session = await ticketOf(engine.port, { ...options, ...bob })
    // Without a certificate of its own: the session says who the client is.
    const { client: resumed, secured } = await flow.tlsClient(engine, { ...options, session })
    expect(secured.isSessionReused()).toBe(true)
    expect((await resumed.send('GET / HTTP/1.1\r\nhost: edge.test\r\n\r\n').response()).status).toBe(200)
    expect(header(await origin.requestAt(1), 'x-forwarded-client-cert')).toMatch(/^Hash=[\da-f]{64};Subject="CN=bob"$/)
  })

  test('whose client has a certificate that has expired since is refused', async () => {
    const engine = await thread(auth('require'))
    const bob = clients.issue({ subject: [['CN', 'bob']] })
    const session = await ticketOf(engine.port, { ...options, ...bob })
    expect((await handshake(engine.port, { ...options, session })).isResumed).toBe(true)
    const handshakes = metered('handshake')
    const later = Date.parse(new X509Certificate(bob.cert).validTo) + 1000
    const now = vi.spyOn(Date, 'now').mockReturnValue(later)
    onTestFinished(() => now.mockRestore())
    await expect(handshake(engine.port, { ...options, session })).rejects.toThrow(/ended|disconnected|ECONNRESET/)
    await handshakes.until('edge', 'failed')
  })
})
