import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DiscoveryError } from '../../src/discovery/contract.ts'
import { Authority } from '../support/certificates.ts'
import { CertificateFiles } from '../support/certificate-files.ts'
import { etcdForTest, sourceForTest, untilIds } from '../support/etcd-stage.ts'
import type { EtcdApi } from '../support/etcd-api.ts'
import { type Etcd, startEtcdCluster } from '../support/etcd.ts'
import type { Watching } from '../support/watching.ts'

const key = '/micro/services/a/1'

describe('an etcd cluster', () => {
  it('is followed over its other members when one is gone, and not by a member without a leader', async () => {
    const members = await startEtcdCluster(3)
    onTestFinished(async () => void (await Promise.all(members.map((member) => member.kill()))))
    const [first, second, third] = members as [Etcd, Etcd, Etcd]
    await first.api.put(key, '10.0.0.1:80')
    const { watch } = sourceForTest({ endpoints: [third.address, first.address] }, { answerTimeoutMs: 2000 })
    const watching = watch('a')
    await untilIds(watching, '1')
    await third.kill()
    await expect(watching.next()).rejects.toMatchObject({ code: 'unreachable' })
    const again = await untilAnswered(() => watch('a'))

    // The last member runs and keeps its connections, but knows no more what is agreed on.
    await second.kill()
    await expect(again.next()).rejects.toBeInstanceOf(DiscoveryError)
  })
})

/** Opens a watch again and again, as the control plane does. @returns the one that has had its first answer */
async function untilAnswered(open: () => Watching): Promise<Watching> {
  for (;;) {
    const watching = open()
    const answer = await watching.next().catch((error: unknown) => {
      if (!(error instanceof DiscoveryError)) throw error
    })
    if (answer?.instances.length === 1) return watching
  }
}

/** Turns authentication on, with a user `gateway` who may read everything. */
async function withAuthentication(etcd: Etcd): Promise<void> {
  const call: EtcdApi['call'] = async (path, body) => etcd.api.call(path, body)
  const all = { permType: 'READ', key: 'AA==', range_end: 'AA==' }
  await call('/v3/auth/user/add', { name: 'root', password: 'root' })
  await call('/v3/auth/user/grant', { user: 'root', role: 'root' })
  await call('/v3/auth/role/add', { name: 'reader' })
  await call('/v3/auth/role/grant', { name: 'reader', perm: all })
  await call('/v3/auth/user/add', { name: 'gateway', password: 'secret' })
  await call('/v3/auth/user/grant', { user: 'gateway', role: 'reader' })
  await call('/v3/auth/enable', {})
}

/** Writes as root. */
async function putAsRoot({ address }: Etcd, value: string): Promise<void> {
  const post = async (path: string, body: object, token?: string) => {
    const headers = token === undefined ? {} : { authorization: token }
    const response = await fetch(`${address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return (await response.json()) as { token?: string }
  }
  const { token } = await post('/v3/auth/authenticate', { name: 'root', password: 'root' })
  await post('/v3/kv/put', { key: btoa(key), value: btoa(value) }, token)
}

describe('an etcd with authentication', () => {
  it('is read with the token of a user, and with another one when it has forgotten that', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'tidegate-etcd-'))
    onTestFinished(async () => rm(dataDir, { recursive: true, force: true }))
    const etcd = await etcdForTest({ dataDir })
    await etcd.api.put(key, '10.0.0.1:80')
    await withAuthentication(etcd)
    const { watch } = sourceForTest({ endpoints: [etcd.address], username: 'gateway', password: 'secret' })
    const watching = watch('a')
    await untilIds(watching, '1')
    await putAsRoot(etcd, '10.0.0.2:80')
    await watching.until(({ instances }) => instances[0]?.host === '10.0.0.2')
    // Tokens are in memory only.
    await etcd.kill()
    await expect(watching.next()).rejects.toMatchObject({ code: 'unreachable' })
    await etcdForTest({ port: etcd.port, dataDir })
    await untilIds(watch('a'), '1')
  })

  it('refuses without one, with a wrong password, and what the user may not read', async () => {
    const etcd = await etcdForTest()
    await withAuthentication(etcd)
    const refusal = { name: 'DiscoveryError', code: 'denied', message: expect.stringContaining('`username`') }
    const { address } = etcd
    const first = async (user: { username?: string; password?: string }) =>
      sourceForTest({ endpoints: [address], ...user })
        .watch('a')
        .next()
    await expect(first({})).rejects.toMatchObject(refusal)
    await expect(first({ username: 'gateway', password: 'wrong' })).rejects.toMatchObject(refusal)
    await expect(first({ username: 'gateway', password: 'secret' })).resolves.toMatchObject({ instances: [] })
  })

  it('may be off though a user is configured', async () => {
    const { address } = await etcdForTest()
    const { watch } = sourceForTest({ endpoints: [address], username: 'gateway', password: 'secret' })
    expect(await watch('a').next()).toMatchObject({ instances: [] })
  })
})

describe('an etcd behind TLS', () => {
  it('is verified by the authority given, and shown our certificate', async () => {
    const authority = Authority.create('cluster')
    const files = new CertificateFiles()
    const server = authority.issue({ names: ['localhost', '127.0.0.1'] })
    const client = authority.issue({ names: ['gateway'] })
    const pair = files.writePair('server', server)
    const { address } = await etcdForTest({ tls: { ca: files.write('ca.pem', authority.cert), ...pair } })
    const tls = { ca: authority.cert, servername: null, keyPair: client, verify: true }
    expect(
      await sourceForTest({ endpoints: [address], tls })
        .watch('a')
        .next(),
    ).toMatchObject({ instances: [] })
    const without = { ...tls, keyPair: null }
    await expect(
      sourceForTest({ endpoints: [address], tls: without })
        .watch('a')
        .next(),
    ).rejects.toMatchObject({
      code: 'unreachable',
    })
    await expect(
      sourceForTest({ endpoints: [address], tls: { ...tls, ca: null } })
        .watch('a')
        .next(),
    ).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/SELF_SIGNED|UNABLE_TO/),
    })
  })
})
