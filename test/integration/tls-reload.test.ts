import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import type { ConfigInput } from '../../src/config/schema.ts'
import { CertificateFiles } from '../support/certificate-files.ts'
import { Authority, type Certificate } from '../support/certificates.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { header } from '../support/http-message.ts'
import { HttpClient } from '../support/http-client.ts'
import type { RawClient } from '../support/raw-client.ts'
import { connectTls, handshake, ticketOf } from '../support/tls-client.ts'

const authority = Authority.create('reload')
const client = { ca: authority.cert }
const issue = (): Certificate => authority.issue({ names: ['edge.test'] })

interface Download {
  readonly port: number
  /** Sends the next part of the answer that was begun; the last one ends it. */
  send(part: string, isLast?: boolean): void
}

/** Answers at once, but for `/slow`, whose answer is sent in parts. */
async function startOrigin(): Promise<Download> {
  let slow: ServerResponse | null = null
  const server = createServer((request, response) => {
    response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
    if (request.url === '/slow') {
      slow = response
      response.write('begin ')
    } else response.end(request.url)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    send: (part, isLast = false) => void (isLast ? slow?.end(part) : slow?.write(part)),
  }
}

/** `tidegate start` with certificates in `files`. */
async function startGateway(files: CertificateFiles, changes: Partial<ConfigInput> = {}) {
  const origin = await startOrigin()
  const config: ConfigInput = {
    listeners: [
      {
        name: 'edge',
        address: '127.0.0.1:0',
        tls: { certificates: [{ cert: './edge.pem', key: './edge.key' }] },
      },
    ],
    admin: { address: '127.0.0.1:0' },
    workers: 2,
    log: { access: false },
    stateDir: null,
    discovery: { local: { type: 'static', services: { web: [`127.0.0.1:${origin.port}`] } } },
    routes: [{ path: '/', service: 'web' }],
    ...changes,
  }
  const write = (text: string) => files.write('gateway.yaml', text)
  const gateway = startGatewayProcess(write(stringify(config)))
  onTestFinished(() => gateway.kill())
  const { listeners, admin } = await gateway.listening()
  const [edge] = listeners
  if (edge === undefined) throw new Error('no listener')
  const adminClient = new HttpClient(admin.port)
  onTestFinished(() => adminClient.close())
  return {
    origin,
    gateway,
    port: edge.port,
    config,
    write,
    admin: async (path: string) => (await adminClient.get(path)).body,
    /** Resolves at the n-th line with this message. */
    lines: async (msg: string, n: number) =>
      gateway.log.until(`${n} × ${msg}`, () => {
        const found = gateway.log.lines.filter((line) => line.msg === msg)
        return found.length >= n ? found : null
      }),
  }
}

const get = (target: string) => `GET ${target} HTTP/1.1\r\nhost: edge.test\r\n\r\n`
const fingerprint = ({ cert }: Certificate) => new X509Certificate(cert).fingerprint256

async function connect(port: number): Promise<RawClient> {
  const { client: connected } = await connectTls(port, client)
  onTestFinished(() => connected.destroy())
  return connected
}

describe('a changed certificate', () => {
  test('is in force for new handshakes, while a kept connection and a download go on', async () => {
    const files = new CertificateFiles()
    const before = issue()
    const later = [issue(), issue()]
    files.writePair('edge', before)
    const { port, origin, lines } = await startGateway(files)
    expect((await handshake(port, client)).fingerprint).toBe(fingerprint(before))
    const kept = await connect(port)
    expect((await kept.send(get('/1')).response()).body).toBe('/1')
    const download = await connect(port)
    download.send(get('/slow'))
    await download.bytes(1)

    for (const [index, after] of later.entries()) {
      if (index === 0) files.writePair('edge', after)
      else {
        files.replace('edge.pem', after.cert)
        files.replace('edge.key', after.key)
      }
      await lines('config-applied', index + 1)
      for (let i = 0; i < 8; i++) expect((await handshake(port, client)).fingerprint).toBe(fingerprint(after))
      expect((await kept.send(get('/2')).response()).body).toBe('/2')
      origin.send(`part ${index} `)
    }
    origin.send('end', true)
    expect((await download.response()).body).toBe('begin part 0 part 1 end')
  })

  test('is taken up through the link that Kubernetes swaps', async () => {
    const files = new CertificateFiles()
    const versions = [issue(), issue()]
    for (const [index, { cert, key }] of versions.entries()) {
      mkdirSync(files.path(`..${index}`))
      writeFileSync(join(files.path(`..${index}`), 'tls.crt'), cert)
      writeFileSync(join(files.path(`..${index}`), 'tls.key'), key)
    }
    symlinkSync('..0', files.path('..data'))
    symlinkSync('..data/tls.crt', files.path('edge.pem'))
    symlinkSync('..data/tls.key', files.path('edge.key'))
    const { port, lines } = await startGateway(files)

    symlinkSync('..1', files.path('..data_tmp'))
    renameSync(files.path('..data_tmp'), files.path('..data'))

    await lines('config-applied', 1)
    expect((await handshake(port, client)).fingerprint).toBe(fingerprint(versions[1] as Certificate))
  })

  test('that does not fit its key changes nothing, says why, and is forgotten once it fits', async () => {
    const files = new CertificateFiles()
    const [before, after] = [issue(), issue()]
    files.writePair('edge', before)
    const { port, lines, admin, config } = await startGateway(files)

    files.replace('edge.pem', after.cert)

    const reason = 'listeners[0].tls.certificates[0].key: the key does not belong to the certificate'
    const [rejected] = await lines('config-rejected', 1)
    expect(rejected?.['cause']).toContain(reason)
    expect((await handshake(port, client)).fingerprint).toBe(fingerprint(before))
    expect(await admin('/metrics')).toContain('tidegate_config_reloads_total{outcome="rejected"} 1')
    const shown = JSON.parse(await admin('/api/v1/config')) as { config: ConfigInput; rejected: unknown[] }
    expect(shown.rejected).toMatchObject([{ path: 'listeners[0].tls.certificates[0].key' }])
    expect(shown.config.listeners).toEqual(config.listeners)

    files.replace('edge.key', after.key)
    await lines('config-applied', 1)
    expect((await handshake(port, client)).fingerprint).toBe(fingerprint(after))
    expect(JSON.parse(await admin('/api/v1/config'))).toMatchObject({ rejected: null })
  })

  test('that was missing is taken up when it comes', async () => {
    const files = new CertificateFiles()
    const added = authority.issue({ names: ['added.test'] })
    files.writePair('edge', issue())
    const { port, lines, write, config } = await startGateway(files)
    const [listener] = config.listeners ?? []
    const certificates = [...(listener?.tls?.certificates ?? []), { cert: './added.pem', key: './added.key' }]
    write(stringify({ ...config, listeners: [{ ...listener, tls: { certificates } }] }))
    const [rejected] = await lines('config-rejected', 1)
    expect(rejected?.['cause']).toContain("added.pem can't be read: there is no such file")

    files.write('added.key', added.key)
    files.write('added.pem', added.cert)
    await lines('config-applied', 1)
    expect((await handshake(port, { ...client, servername: 'added.test' })).fingerprint).toBe(fingerprint(added))
  })
})

describe('two data threads', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('take the tickets of each other, every time (%s)', async (maxVersion) => {
    const files = new CertificateFiles()
    files.writePair('edge', issue())
    const { port, admin } = await startGateway(files)
    const session = await ticketOf(port, { ...client, maxVersion })
    const threads = new Set<string>()
    let connections = 0
    while (threads.size < 2 || connections < 40) {
      const { client: resumed, secured } = await connectTls(port, { ...client, maxVersion, session })
      expect(secured.isSessionReused()).toBe(true)
      const requestId = header(await resumed.send(get('/')).response(), 'x-request-id') ?? ''
      threads.add(requestId.split('-', 1)[0] ?? '')
      resumed.destroy()
      connections++
    }
    const metrics = await admin('/metrics')
    expect(metrics).toContain(`tidegate_tls_handshakes_total{listener="edge",outcome="resumed"} ${connections}`)
    expect(metrics).toContain('tidegate_tls_handshakes_total{listener="edge",outcome="full"} 1')
  })
})

test('an expired certificate is served, with a warning, and its day is a metric', async () => {
  const files = new CertificateFiles()
  const notAfter = new Date('2021-05-06T07:08:09Z')
  files.writePair('edge', authority.issue({ names: ['edge.test'], notAfter }))
  const { port, gateway, admin } = await startGateway(files)
  expect(await gateway.log.line('configuration warning')).toMatchObject({
    level: 'warn',
    path: 'listeners[0].tls.certificates[0].cert',
    warning: 'the certificate has expired on 2021-05-06: clients will refuse it',
  })
  expect(await admin('/metrics')).toContain(
    `tidegate_tls_certificate_expiry_timestamp_seconds{listener="edge",name="edge.test"} ${notAfter.getTime() / 1000}`,
  )
  await expect(connectTls(port, client)).rejects.toMatchObject({ code: 'CERT_HAS_EXPIRED' })
})

test('keys and certificates are shown nowhere', async () => {
  const files = new CertificateFiles()
  const pair = issue()
  files.writePair('edge', pair)
  const { gateway, admin, lines } = await startGateway(files)
  files.replace('edge.pem', issue().cert)
  await lines('config-rejected', 1)
  const everything = [
    await admin('/api/v1/config'),
    await admin('/api/v1/timeline'),
    await admin('/metrics'),
    JSON.stringify(gateway.log.lines),
  ].join('\n')
  expect(everything).toContain('./edge.key')
  for (const line of `${pair.cert}${pair.key}`.split('\n').filter((text) => text.length === 64)) {
    expect(everything).not.toContain(line)
  }
})
