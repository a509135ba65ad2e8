import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Authority, type Certificate } from '../support/certificates.ts'
import { useFlow } from '../support/flow.ts'
import { listenerTls } from '../support/listener-tls.ts'
import { handshake, type TlsClientOptions } from '../support/tls-client.ts'

const flow = useFlow()
const authority = Authority.create('certificates')
const lenient = { ca: authority.cert, checkServerIdentity: () => undefined }

async function serve(certificates: readonly Certificate[], tls: Parameters<typeof listenerTls>[1] = {}) {
  const origin = await flow.rawOrigin()
  return flow.engine({ origins: [origin], listener: { tls: listenerTls(certificates, tls) } })
}

const names = {
  first: ['first.test', 'www.first.test'],
  exact: ['api.example.test'],
  wildcard: ['*.example.test'],
  deep: ['*.deep.example.test'],
}
const certificates = Object.values(names).map((of) => authority.issue({ names: of }))

function shown(of: readonly string[]): string {
  return of.map((name) => `DNS:${name}`).join(', ')
}

describe('a client gets the certificate', () => {
  test.each([
    ['for its very name', 'www.first.test', names.first],
    ['for its very name, before a wildcard', 'api.example.test', names.exact],
    ['for its name in whatever case', 'API.Example.TEST', names.exact],
    ['with a wildcard for one label', 'other.example.test', names.wildcard],
    ['with the wildcard of its own level', 'a.deep.example.test', names.deep],
    ['that is the first, where the wildcard would be two labels', 'a.b.example.test', names.first],
    ['that is the first, where the wildcard would be none', 'example.test', names.first],
    ['that is the first, for a name that is in none', 'unknown.test', names.first],
    ['that is the first, for no name', '', names.first],
  ])('%s (%s)', async (_, servername, wanted) => {
    const engine = await serve(certificates)
    const served = await handshake(engine.port, { ...lenient, servername })
    expect(served.names).toBe(shown(wanted))
    expect(served.isResumed).toBe(false)
  })

  test.each(['edge.test', 'other.test', 'unknown.test'])(
    'with the type of key that suits it (%s)',
    async (servername) => {
      const engine = await serve([
        authority.issue({ names: ['edge.test'] }),
        authority.issue({ names: ['other.test'] }),
        authority.issue({ names: ['edge.test', 'other.test'], keyType: 'rsa' }),
      ])
      const keyTypes = await Promise.all(
        ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'].map(async (ciphers) => {
          const { keyType } = await handshake(engine.port, { ...lenient, servername, ciphers, maxVersion: 'TLSv1.2' })
          return keyType
        }),
      )
      expect(keyTypes).toEqual(['ec', 'rsa'])
    },
  )

  test('that is its own alone where the first has a key of another type', async () => {
    const engine = await serve([
      authority.issue({ names: ['edge.test'] }),
      authority.issue({ names: ['other.test'], keyType: 'rsa' }),
    ])
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const served = await handshake(engine.port, { ...lenient, servername: 'other.test', maxVersion })
      expect(served).toMatchObject({ names: 'DNS:other.test', keyType: 'rsa' })
    }
  })

  test('with the chain up to its root', async () => {
    const below = authority.intermediate('between')
    const engine = await serve([below.issue({ names: ['edge.test'] })])
    const { secured, client } = await flow.tlsClient(engine, { ca: authority.cert })
    expect(secured.authorized).toBe(true)
    expect((await client.send('GET /x HTTP/1.1\r\nhost: edge.test\r\n\r\n').response()).body).toBe('/x')
  })
})

describe('a handshake', () => {
  const edge = [authority.issue({ names: ['edge.test'] })]

  async function agreed(tls: Parameters<typeof listenerTls>[1], options: Partial<TlsClientOptions>) {
    const engine = await serve(edge, tls)
    return handshake(engine.port, { ...lenient, ...options })
  }

  test('is of TLS 1.3 where the client speaks it', async () => {
    expect((await agreed({}, {})).protocol).toBe('TLSv1.3')
  })

  test('is of TLS 1.2 with a client that speaks nothing newer', async () => {
    expect((await agreed({}, { maxVersion: 'TLSv1.2' })).protocol).toBe('TLSv1.2')
  })

  test('fails with a client that speaks nothing as new as it has to', async () => {
    await expect(agreed({ minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' })).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    })
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const
    await expect(agreed({}, old)).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
  })

  test('agrees on HTTP/1.1, among what the client offers', async () => {
    expect((await agreed({}, { ALPNProtocols: ['h2', 'http/1.1'] })).alpn).toBe('http/1.1')
    expect((await agreed({}, {})).alpn).toBe(false)
  })

  test('fails with a client that offers other protocols only (RFC 7301)', async () => {
    await expect(agreed({}, { ALPNProtocols: ['h2'] })).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    })
  })
})

describe('a reload', () => {
  test.each(['fast', 'standard'] as const)(
    'with another certificate leaves standing connections be (%s)',
    async (engine) => {
      const before = authority.issue({ names: ['edge.test'] })
      const after = authority.issue({ names: ['edge.test'] })
      const origin = await flow.rawOrigin()
      const running = await flow.engine({ origins: [origin], listener: { engine, tls: listenerTls([before]) } })
      const { client } = await flow.tlsClient(running, { ca: authority.cert })
      const get = (target: string) => client.send(`GET ${target} HTTP/1.1\r\nhost: edge.test\r\n\r\n`).response()
      expect((await get('/before')).body).toBe('/before')

      expect((await running.listen([{ tls: listenerTls([after]) }])).errors).toEqual([])

      const served = await handshake(running.port, { ca: authority.cert })
      expect(served.fingerprint).toBe(new X509Certificate(after.cert).fingerprint256)
      expect((await get('/after')).body).toBe('/after')
    },
  )

  test('with a certificate that OpenSSL does not take leaves the one before in force', async () => {
    const before = authority.issue({ names: ['edge.test'] })
    const running = await serve([before])
    const broken = { ...before, key: authority.issue().key }

    const { errors } = await running.listen([{ tls: listenerTls([broken]) }])

    expect(errors).toMatchObject([{ listener: 'edge', code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' }])
    const served = await handshake(running.port, { ca: authority.cert })
    expect(served.fingerprint).toBe(new X509Certificate(before.cert).fingerprint256)
  })

  test('turns plain text into TLS and back, and what stands goes on until its answer', async () => {
    const tls = listenerTls([authority.issue({ names: ['edge.test'] })])
    const origin = await flow.rawOrigin()
    const running = await flow.engine({ origins: [origin] })
    const plain = await flow.client(running)
    const request = 'GET / HTTP/1.1\r\nhost: edge.test\r\n\r\n'
    expect((await plain.send(request).response()).status).toBe(200)

    await running.listen([{ port: running.port, tls }])

    expect((await plain.send(request).response()).status).toBe(200)
    expect((await plain.rest()).ending).toBe('fin')
    const { client } = await flow.tlsClient(running, { ca: authority.cert })
    expect((await client.send(request).response()).status).toBe(200)
  })
})
