import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { stringify } from 'yaml'
import type { Config } from '../../../src/config/config.ts'
import { describeConfig } from '../../../src/config/describe.ts'
import { ConfigError, formatFinding } from '../../../src/config/finding.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { PemFiles } from '../../../src/config/tls/pem-files.ts'
import { CertificateFiles } from '../../support/certificate-files.ts'
import { Authority } from '../../support/certificates.ts'

const authority = Authority.create('tests')
const edge = authority.issue({ names: ['edge.test', 'www.edge.test'] })
const other = authority.issue({ names: ['other.test'] })
const hour = 3_600_000

/** `file:line:column path: …` of each finding, the folder left out. */
async function findingsOf(files: CertificateFiles, config: string): Promise<string[]> {
  const file = files.write('tidegate.yaml', config)
  try {
    await loadConfig(file)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.findings.map((finding) => formatFinding(finding).replaceAll(`${files.folder}/`, ''))
  }
}

const listener = (tls: string): string => `listeners:
  - name: edge
    address: "127.0.0.1:8443"
    tls:
      ${tls}
routes: []
`

function listenerWith(...certificates: string[]): string {
  const entries = certificates.map((name) => `        - { cert: ${name}.pem, key: ${name}.key }\n`)
  return listener(`certificates:\n${entries.join('')}`)
}

const at = (line: number, column: number, path: string): string =>
  `tidegate.yaml:${line}:${column} listeners[0].tls.${path}`

function encrypted(pem: string): string {
  return createPrivateKey(pem)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString()
}

async function load(files: CertificateFiles, config: unknown): Promise<Config> {
  return (await loadConfig(files.write('tidegate.yaml', stringify(config)))).config
}

describe('the files of a listener', () => {
  test('are read relative to the configuration, with what is known of the certificates', async () => {
    const files = new CertificateFiles()
    mkdirSync(files.path('tls'))
    files.writePair('tls/edge', edge)
    files.write('clients.pem', authority.cert)
    const { listeners } = await load(files, {
      listeners: [
        {
          name: 'edge',
          address: '127.0.0.1:8443',
          tls: { certificates: [{ cert: './tls/edge.pem', key: 'tls/edge.key' }], clientAuth: { ca: 'clients.pem' } },
        },
      ],
      routes: [],
    })
    expect(listeners[0]?.tls).toEqual({
      certificates: [
        {
          ...edge,
          names: ['edge.test', 'www.edge.test'],
          keyType: 'ec',
          label: 'edge.test',
          expiresMs: Date.parse(new X509Certificate(edge.cert).validTo),
        },
      ],
      minVersion: 'TLSv1.2',
      clientAuth: { ca: new X509Certificate(authority.cert).toString(), mode: 'require' },
    })
  })

  test('are found fault with by place, all of them at once', async () => {
    const files = new CertificateFiles()
    files.writePair('edge', edge)
    files.write('other.pem', other.cert)
    files.write('text.pem', 'hello')
    files.write('broken.pem', edge.cert.replace(/[A-Za-z]{20}/, 'AAAAAAAAAAAAAAAAAAAA'))
    files.write('encrypted.key', encrypted(edge.key))
    files.write('chain.pem', other.cert + edge.cert)
    const found = await findingsOf(
      files,
      listener(`certificates:
        - { cert: edge.pem, key: edge.key }
        - { cert: missing.pem, key: edge.key }
        - { cert: other.pem, key: missing.key }
        - { cert: text.pem, key: edge.key }
        - { cert: broken.pem, key: edge.key }
        - { cert: edge.key, key: edge.key }
        - { cert: edge.pem, key: other.pem }
        - { cert: edge.pem, key: encrypted.key }
        - { cert: other.pem, key: edge.key }
        - { cert: chain.pem, key: edge.key }
      clientAuth: { ca: edge.key, mode: require }`),
    )
    expect(found).toEqual([
      `${at(7, 19, 'certificates[1].cert')}: missing.pem can't be read: there is no such file`,
      `${at(8, 35, 'certificates[2].key')}: missing.key can't be read: there is no such file`,
      `${at(9, 19, 'certificates[3].cert')}: text.pem is not PEM; its text has to hold "-----BEGIN …-----" lines`,
      `${at(10, 19, 'certificates[4].cert')}: its certificate can't be read`,
      `${at(11, 19, 'certificates[5].cert')}: it holds no certificate`,
      `${at(12, 34, 'certificates[6].key')}: it holds no private key that can be read`,
      `${at(13, 34, 'certificates[7].key')}: the key is encrypted; nobody is there to type a passphrase: store it without one`,
      `${at(14, 35, 'certificates[8].key')}: the key does not belong to the certificate`,
      `${at(15, 35, 'certificates[9].key')}: the key belongs to a later certificate of the file; put the key's certificate first in it`,
      `${at(16, 25, 'clientAuth.ca')}: it holds no certificate`,
    ])
  })

  test('are not looked for, nor shown, where the text of a key stands in place of a path', async () => {
    const files = new CertificateFiles()
    files.write('edge.pem', edge.cert)
    const [found, ...others] = await findingsOf(
      files,
      listener(`certificates: [{ cert: edge.pem, key: ${JSON.stringify(edge.key)} }]`),
    )
    expect(others).toEqual([])
    expect(found).toContain('expected the path of a PEM file, got its text; put the text into a file of its own')
    expect(found).not.toContain(edge.key.slice(40, 60))
    const described = describeConfig({
      file: 'f',
      config: {} as Config,
      written: { key: edge.key },
      warnings: [],
      files: [],
    })
    expect(described).toEqual({ file: 'f', config: { key: '[redacted]' } })
  })

  test('may be directories by mistake', async () => {
    const files = new CertificateFiles()
    mkdirSync(files.path('tls'))
    expect(await findingsOf(files, listener('certificates: [{ cert: tls, key: tls }]'))).toEqual([
      "tidegate.yaml:5:30 listeners[0].tls.certificates[0].cert: tls can't be read: it is a directory",
    ])
  })

  test('have names that are in one certificate for each type of key', async () => {
    const files = new CertificateFiles()
    files.writePair('edge', edge)
    files.writePair('rsa', authority.issue({ names: ['edge.test', 'y.test'], keyType: 'rsa' }))
    files.writePair('again', authority.issue({ names: ['x.test', 'WWW.edge.test'] }))
    files.writePair('none', authority.issue())
    expect(await findingsOf(files, listenerWith('edge', 'rsa'))).toEqual([])
    expect(await findingsOf(files, listenerWith('none', 'edge'))).toEqual([])
    expect(await findingsOf(files, listenerWith('edge', 'again', 'rsa', 'none', 'rsa'))).toEqual([
      'tidegate.yaml:7:19 listeners[0].tls.certificates[1].cert: www.edge.test is in edge.pem, too, with a key of the same type; remove one of the two',
      'tidegate.yaml:9:19 listeners[0].tls.certificates[3].cert: names no host, so no client would get it; put it first, or add a subjectAltName to it',
      'tidegate.yaml:10:19 listeners[0].tls.certificates[4].cert: edge.test is in rsa.pem, too, with a key of the same type; remove one of the two',
    ])
  })

  test('are read again before it is said that a key does not belong to its certificate: it may be on its way', async () => {
    const files = new CertificateFiles()
    files.writePair('edge', { cert: other.cert, key: edge.key })
    files.writePair('wrong', { cert: edge.cert, key: other.key })
    const settled = vi.spyOn(PemFiles.prototype, 'settled').mockImplementation(async () => {
      files.replace('edge.key', other.key)
    })
    onTestFinished(() => settled.mockRestore())
    expect(await findingsOf(files, listener('certificates: [{ cert: edge.pem, key: edge.key }]'))).toEqual([])
    expect(settled).toHaveBeenCalledTimes(1)
    expect(await findingsOf(files, listener('certificates: [{ cert: wrong.pem, key: wrong.key }]'))).toEqual([
      expect.stringContaining('the key does not belong to the certificate') as string,
    ])
  })

  test('may have expired: a warning, not an error', async () => {
    const files = new CertificateFiles()
    files.writePair('old', authority.issue({ names: ['old.test'], notAfter: new Date('2020-02-03T12:00:00Z') }))
    files.writePair('new', authority.issue({ names: ['new.test'], notBefore: new Date(Date.now() + 48 * hour) }))
    const file = files.write(
      'tidegate.yaml',
      listener('certificates: [{ cert: old.pem, key: old.key }, { cert: new.pem, key: new.key }]'),
    )
    const { warnings } = await loadConfig(file)
    expect(warnings).toMatchObject([
      {
        line: 5,
        path: 'listeners[0].tls.certificates[0].cert',
        message: 'the certificate has expired on 2020-02-03: clients will refuse it',
      },
      { message: expect.stringMatching(/^the certificate is not valid before \d{4}-\d\d-\d\d$/) as string },
    ])
  })
})

describe('the keys of tls', () => {
  test('are known, and go with no redirect', async () => {
    const files = new CertificateFiles()
    files.writePair('edge', edge)
    const found = await findingsOf(
      files,
      `listeners:
  - name: edge
    address: "127.0.0.1:8443"
    tls: { certificates: [{ cert: edge.pem, key: edge.key }] }
    redirectToHttps: {}
routes: []
`,
    )
    expect(found).toEqual([
      'tidegate.yaml:5:22 listeners[0].redirectToHttps: this listener serves HTTPS already; leave one of the two out',
    ])
    expect(
      await findingsOf(
        files,
        `listeners:
  - { name: a, address: "127.0.0.1:1", tls: {} }
  - { name: b, address: "127.0.0.1:2", tls: { certificates: [] } }
  - { name: c, address: "127.0.0.1:3", tls: { certificates: [{ cert: edge.pem }], minVersion: TLSv1.1, clientAuth: { mode: maybe } } }
  - { name: d, address: "127.0.0.1:4", redirectToHttps: { status: 303, prot: 1, except: [x] } }
services: { a: { tls: { cert: 1, servername: "https://a.test/", verifi: true } } }
routes: []
`,
      ),
    ).toEqual([
      'tidegate.yaml:2:45 listeners[0].tls.certificates: is required',
      'tidegate.yaml:3:61 listeners[1].tls.certificates: needs at least 1 entry',
      'tidegate.yaml:4:62 listeners[2].tls.certificates[0].key: is required',
      'tidegate.yaml:4:95 listeners[2].tls.minVersion: expected one of TLSv1.2, TLSv1.3, got "TLSv1.1"; did you mean "TLSv1.2"?',
      'tidegate.yaml:4:116 listeners[2].tls.clientAuth.ca: is required',
      'tidegate.yaml:4:124 listeners[2].tls.clientAuth.mode: expected one of require, optional, got "maybe"',
      'tidegate.yaml:5:67 listeners[3].redirectToHttps.status: must be 301, 302, 307 or 308',
      'tidegate.yaml:5:72 listeners[3].redirectToHttps.prot: unknown key; did you mean "port"?',
      'tidegate.yaml:5:90 listeners[3].redirectToHttps.except[0]: must start with "/"; write "/x"',
      'tidegate.yaml:6:31 services.a.tls.cert: expected text, got a number; put it into quotes',
      'tidegate.yaml:6:46 services.a.tls.servername: "https://a.test/" is neither an address nor a host name; write the name alone, without scheme and port',
      'tidegate.yaml:6:65 services.a.tls.verifi: unknown key; did you mean "verify"?',
    ])
  })

  test('of a service take its own entry before the default, whole', async () => {
    const files = new CertificateFiles()
    files.write('ca.pem', authority.cert)
    files.writePair('client', edge)
    const { services } = await load(files, {
      defaults: { service: { tls: { ca: 'ca.pem' } } },
      services: {
        own: { tls: { servername: 'Own.Test', cert: 'client.pem', key: 'client.key' } },
        plain: { tls: null },
        other: { hold: '1m' },
      },
      routes: [{ path: '/', service: 'routed' }],
    })
    const ca = new X509Certificate(authority.cert).toString()
    const byDefault = { ca, servername: null, keyPair: null, verify: true }
    expect(Object.fromEntries(services.map(({ key, tls }) => [key, tls]))).toEqual({
      own: { ca: null, servername: 'own.test', keyPair: edge, verify: true },
      plain: null,
      other: byDefault,
      routed: byDefault,
    })
  })

  test('of a service are found fault with, and warned of, by place', async () => {
    const files = new CertificateFiles()
    files.write('client.pem', edge.cert)
    const config = `services:
  a: { tls: { ca: missing.pem, cert: client.pem } }
  b: { tls: { key: client.pem } }
  c: { tls: { verify: false } }
routes: []
`
    expect(await findingsOf(files, config)).toEqual([
      "tidegate.yaml:2:19 services.a.tls.ca: missing.pem can't be read: there is no such file",
      'tidegate.yaml:2:38 services.a.tls.cert: needs `key` beside it',
      'tidegate.yaml:3:20 services.b.tls.key: needs `cert` beside it',
    ])
    const unverified = await loadConfig(
      files.write('c.yaml', 'services: { c: { tls: { verify: false } } }\nroutes: []'),
    )
    expect(unverified.warnings).toMatchObject([{ line: 1, column: 33, path: 'services.c.tls.verify' }])
  })
})

describe.each([
  { type: 'etcd', place: { endpoints: ['https://10.0.0.1:2379'], username: 'gateway' }, secret: 'password' },
  { type: 'consul', place: { address: 'https://10.0.0.1:8501' }, secret: 'token' },
])('the files of a source of type $type', ({ type, place, secret }) => {
  test('are read relative to the configuration; its secret is shown nowhere', async () => {
    const files = new CertificateFiles()
    files.write('ca.pem', authority.cert)
    files.writePair('client', other)
    const tls = { ca: 'ca.pem', cert: 'client.pem', key: 'client.key' }
    const discovery = { it: { type, ...place, [secret]: 's3cret', tls } }
    const loaded = await loadConfig(files.write('tidegate.yaml', stringify({ discovery, routes: [] })))
    expect(loaded.config.discovery[0]).toMatchObject({
      [secret]: 's3cret',
      tls: { ca: authority.cert, servername: null, keyPair: other, verify: true },
    })
    expect(JSON.stringify(describeConfig(loaded))).not.toContain('s3cret')
  })

  test('that are not there are findings at their place', async () => {
    const config = stringify({ discovery: { it: { type, ...place, tls: { ca: 'no.pem' } } }, routes: [] })
    expect(await findingsOf(new CertificateFiles(), config)).toEqual([
      expect.stringMatching(/^tidegate\.yaml:\d+:\d+ discovery\.it\.tls\.ca: no\.pem/),
    ])
  })
})
