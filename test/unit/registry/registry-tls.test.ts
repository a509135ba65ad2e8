import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createRegistry, type Registry } from '../../../src/registry/registry.ts'
import { runCommand } from '../../support/cli.ts'
import { consulApi, type ConsulApi } from '../../support/consul-api.ts'
import { loopbackAuthority, loopbackCertificate } from '../../support/consul-discovery.ts'

function ask(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  return session.request({ ':path': path }, { endStream: true })
}

/** @returns what it was reset with; 0 = it was not */
async function ended(stream: ClientHttp2Stream): Promise<number | undefined> {
  return new Promise((resolve) => {
    stream.on('error', () => {}).on('close', () => resolve(stream.rstCode))
    stream.resume()
  })
}

describe('the embedded registry by TLS', () => {
  let registry: Registry
  let address: string
  let api: ConsulApi

  beforeEach(async () => {
    registry = createRegistry({ port: 0, tls: loopbackCertificate })
    ;({ address } = await registry.start())
    api = consulApi(address, loopbackAuthority.cert)
    onTestFinished(async () => registry.close())
  })

  const register = async (Name: string, ID = Name) => api('PUT', '/v1/agent/service/register', { Name, ID, Port: 80 })

  async function openSession(): Promise<ClientHttp2Session> {
    const session = connect(address, { ca: loopbackAuthority.cert })
    session.on('error', () => {})
    onTestFinished(() => session.destroy())
    await once(session, 'remoteSettings')
    return session
  }

  it('says so in its address, and speaks HTTP/1.1 and HTTP/2', async () => {
    expect(address).toMatch(/^https:/)
    expect((await register('web')).status).toBe(200)
    const session = await openSession()
    expect(session.alpnProtocol).toBe('h2')
    expect(session.remoteSettings.maxConcurrentStreams).toBe(250)
    const rows = JSON.parse(await text(ask(session, '/v1/health/service/web'))) as unknown[]
    expect(rows).toMatchObject([{ Service: { ID: 'web' } }])
  })

  it('has many queries wait on one connection, and answers only those that a change concerns', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `s${i}`)
    for (const name of names) await register(name)
    const { headers } = await api('GET', '/v1/catalog/services')
    const session = await openSession()
    const answered = new Set<string>()
    const answers = names.map(async (name) => {
      const body = await text(ask(session, `/v1/health/service/${name}?index=${headers.get('x-consul-index')}&wait=1m`))
      answered.add(name)
      return JSON.parse(body) as unknown[]
    })
    // All of them wait when what came after them has been answered.
    await text(ask(session, '/v1/status/leader'))
    await register('s7', 'another')
    expect(await answers[7]).toHaveLength(2)
    await text(ask(session, '/v1/status/leader'))
    expect([...answered]).toEqual(['s7'])
    registry.fault({ resetIndex: true })
    expect((await Promise.all(answers)).map((rows) => rows.length)).toEqual(
      names.map((name) => (name === 's7' ? 2 : 1)),
    )
  })

  it('answers who waits for a service that leaves and comes back', async () => {
    await register('web')
    const indexOf = async () => (await api('GET', '/v1/health/service/web')).headers.get('x-consul-index')
    const session = await openSession()
    const next = async () => text(ask(session, `/v1/health/service/web?index=${await indexOf()}&wait=1m`))
    const gone = next()
    await text(ask(session, '/v1/status/leader'))
    await api('PUT', '/v1/agent/service/deregister/web')
    expect(JSON.parse(await gone)).toEqual([])
    const back = next()
    await text(ask(session, '/v1/status/leader'))
    await register('web')
    expect(JSON.parse(await back)).toHaveLength(1)
  })

  it('resets the stream of a request that is to be cut, and closes connections that are to be dropped', async () => {
    const session = await openSession()
    const waits = ended(ask(session, '/v1/catalog/services?index=1000000&wait=1m'))
    const undo = registry.fault({ cut: 'head' })
    expect(await ended(ask(session, '/v1/health/service/web'))).not.toBe(0)
    undo()
    expect(session.closed).toBe(false)
    const closed = once(session, 'close')
    registry.fault({ dropConnections: true })
    await closed
    await waits
  })

  it('keeps web pages away that have their own name point here', async () => {
    const session = await openSession()
    const stream = session.request({ ':path': '/v1/status/leader', ':authority': 'evil.example' })
    const [headers] = await once(stream, 'response')
    expect(headers).toMatchObject({ ':status': 403 })
  })

  it('refuses what is no certificate, in a sentence', () => {
    expect(() => createRegistry({ port: 0, tls: { cert: 'x', key: 'y' } })).toThrow(
      /cannot use its certificate and key/,
    )
  })
})

describe('tidegate registry', () => {
  it('takes certificate and key together or not at all', async () => {
    const { exitCode, stderr } = await runCommand('registry', '--port', '0', '--tls-cert', 'a.pem')
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--tls-cert and --tls-key need each other')
  })
})
