import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ClientAuthSettings, EngineName } from '../../src/core/snapshot.ts'
import { Authority, type Certificate, type CertificateOptions } from '../support/certificates.ts'
import type { EngineOptions } from '../support/engine.ts'
import { useFlow } from '../support/flow.ts'
import { header } from '../support/http-message.ts'
import { listenerTls } from '../support/listener-tls.ts'
import { metered } from '../support/metered.ts'
import type { RawClient } from '../support/raw-client.ts'

const flow = useFlow()
const authority = Authority.create('servers')
const clients = Authority.create('clients')
const strangers = Authority.create('strangers')
const edge = authority.issue({ names: ['edge.test'] })
const get = (fields = '') => `GET / HTTP/1.1\r\nhost: edge.test\r\n${fields}\r\n`
const field = 'x-forwarded-client-cert'
const hour = 3_600_000

async function serve(mode: ClientAuthSettings['mode'], listener: EngineOptions['listener'] = {}) {
  const tls = listenerTls([edge], { clientAuth: { ca: clients.cert, mode } })
  const origin = await flow.rawOrigin()
  return { origin, engine: await flow.engine({ origins: [origin], listener: { ...listener, tls } }) }
}

/** What the endpoint got of the field for this request. */
async function forwarded(options: {
  readonly mode?: ClientAuthSettings['mode']
  readonly shown?: Certificate
  readonly fields?: string
  readonly listener?: EngineOptions['listener']
}): Promise<string | undefined> {
  const { origin, engine } = await serve(options.mode ?? 'optional', options.listener)
  const { client } = await flow.tlsClient(engine, { ca: authority.cert, ...options.shown })
  expect((await client.send(get(options.fields)).response()).status).toBe(200)
  return header(await origin.requestAt(1), field)
}

function hashOf({ cert }: Certificate): string {
  return new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase()
}

/** TLS 1.3 lets a client believe in the connection before the server has looked at its certificate. */
async function ending(connecting: Promise<{ readonly client: RawClient }>): Promise<string> {
  try {
    const { client } = await connecting
    const { text } = await client.send(get()).rest()
    return text
  } catch {
    return ''
  }
}

const bad: [string, Certificate][] = [
  ['of another authority', strangers.issue({ names: ['bob'] })],
  ['that signed itself', { cert: strangers.cert, key: strangers.key }],
  [
    'that has expired',
    clients.issue({ notBefore: new Date(Date.now() - 2 * hour), notAfter: new Date(Date.now() - hour) }),
  ],
  ['that is not valid yet', clients.issue({ notBefore: new Date(Date.now() + hour) })],
]

describe.each(['fast', 'standard'] as const)('client certificates (%s)', (engineName: EngineName) => {
  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (maxVersion) => {
    test.each(['require', 'optional'] as const)('that are good let their client in (%s)', async (mode) => {
      const { origin, engine } = await serve(mode, { engine: engineName })
      const shown = clients.issue({ subject: [['CN', 'bob']] })
      const { client } = await flow.tlsClient(engine, { ca: authority.cert, maxVersion, ...shown })
      expect((await client.send(get()).response()).status).toBe(200)
      expect(header(await origin.requestAt(1), field)).toBe(`Hash=${hashOf(shown)};Subject="CN=bob"`)
    })

    test('of an intermediate authority let their client in', async () => {
      const { engine } = await serve('require', { engine: engineName })
      const shown = clients.intermediate('between').issue({ subject: [['CN', 'bob']] })
      const { client } = await flow.tlsClient(engine, { ca: authority.cert, maxVersion, ...shown })
      expect((await client.send(get()).response()).status).toBe(200)
    })

    describe.each(['require', 'optional'] as const)('%s', (mode) => {
      test.each(bad)('%s let nobody in', async (_, shown) => {
        const { origin, engine } = await serve(mode, { engine: engineName })
        const handshakes = metered('handshake')
        expect(await ending(flow.tlsClient(engine, { ca: authority.cert, maxVersion, ...shown }))).toBe('')
        await handshakes.until('edge', 'failed')
        expect(origin.requests).toEqual([])
      })
    })

    test('that are required and not shown let nobody in', async () => {
      const { origin, engine } = await serve('require', { engine: engineName })
      expect(await ending(flow.tlsClient(engine, { ca: authority.cert, maxVersion }))).toBe('')
      expect(origin.requests).toEqual([])
    })

    test('that are optional need not be shown', async () => {
      const { origin, engine } = await serve('optional', { engine: engineName })
      const { client } = await flow.tlsClient(engine, { ca: authority.cert, maxVersion })
      expect((await client.send(get()).response()).status).toBe(200)
      expect(header(await origin.requestAt(1), field)).toBeUndefined()
    })
  })
})

describe(`what the endpoint is told in ${field}`, () => {
  const bob = clients.issue({ subject: [['CN', 'bob']] })
  const forged = `${field}: Hash=00;Subject="CN=root"\r\nX_Forwarded-Client_Cert: Hash=00\r\n`

  test('is the certificate that was shown, whatever the client says', async () => {
    expect(await forwarded({ shown: bob, fields: forged })).toBe(`Hash=${hashOf(bob)};Subject="CN=bob"`)
  })

  test('is nothing of a client that has shown none, whatever it says', async () => {
    expect(await forwarded({ fields: forged })).toBeUndefined()
  })

  test('is what a trusted proxy says that has shown none itself', async () => {
    const listener = { trustedProxies: ['127.0.0.1'] }
    expect(await forwarded({ listener, fields: `${field}: Hash=1f;Subject="CN=alice"\r\n` })).toBe(
      'Hash=1f;Subject="CN=alice"',
    )
  })

  test('is the certificate of a trusted proxy that has shown one', async () => {
    const listener = { trustedProxies: ['127.0.0.1'] }
    expect(await forwarded({ listener, shown: bob, fields: forged })).toBe(`Hash=${hashOf(bob)};Subject="CN=bob"`)
  })

  test.each(['', `connection: ${field}\r\n`])('can not be taken away by the client (%j)', async (fields) => {
    expect(await forwarded({ shown: bob, fields })).toContain('CN=bob')
  })

  test('is dropped from plain clients, too', async () => {
    const origin = await flow.rawOrigin()
    const engine = await flow.engine({ origins: [origin] })
    const client = await flow.client(engine)
    expect((await client.send(get(forged)).response()).status).toBe(200)
    expect((await origin.requestAt(1)).raw.toLowerCase()).not.toContain('cert')
  })

  test.each<[string, CertificateOptions['subject'], string]>([
    [
      'puts the most specific part first',
      [
        ['C', 'DE'],
        ['O', 'Tidegate'],
        ['CN', 'bob'],
      ],
      'CN=bob,O=Tidegate,C=DE',
    ],
    ['leaves nothing to be taken for a separator', [['CN', 'x,O=root;By=me+OU=y']], 'CN=x\\2CO=root\\3BBy=me\\2BOU=y'],
    ['leaves no quote', [['CN', 'bob";Subject="CN=root']], 'CN=bob\\22\\3BSubject=\\22CN=root'],
    ['leaves no backslash before the closing quote', [['CN', 'bob\\']], 'CN=bob\\5C'],
    ['ends no line', [['CN', 'bob\r\nx-admin: 1']], 'CN=bob\\0D\\0Ax-admin: 1'],
    ['has no NUL', [['CN', 'bob\0root']], 'CN=bob\\00root'],
    ['is ASCII', [['CN', 'Zoë 😀']], 'CN=Zo\\C3\\AB \\F0\\9F\\98\\80'],
    ['keeps the spaces at its ends', [['CN', ' #bob ']], 'CN=\\20#bob\\20'],
  ])('%s', async (_, subject, wanted) => {
    const shown = clients.issue({ subject: subject ?? [] })
    expect(await forwarded({ shown })).toBe(`Hash=${hashOf(shown)};Subject="${wanted}"`)
  })
})
