import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Authority } from '../../test/support/certificates.ts'
import { startConsul } from '../../test/support/consul.ts'
import { startEtcd } from '../../test/support/etcd.ts'
import { freePorts } from '../../test/support/free-ports.ts'
import type { FeedTarget } from './feed.ts'

/** A registry in a process of its own. */
export interface BenchRegistry {
  /** The source's entry in `discovery`. */
  readonly source: object
  readonly target: FeedTarget
  close(): Promise<void>
}

const cli = new URL('../../src/cli.ts', import.meta.url).pathname

async function startEmbedded(): Promise<BenchRegistry> {
  const [port = 0] = await freePorts(1)
  const address = `http://127.0.0.1:${port}`
  return {
    source: { type: 'consul', address },
    target: { api: 'consul', address },
    close: await startRegistryProcess(['--port', String(port)]),
  }
}

/** By TLS: its lines go over HTTP/2. */
async function startEmbeddedTls(): Promise<BenchRegistry> {
  const [port = 0] = await freePorts(1)
  const certificate = await writeCertificate()
  const { ca, cert, key } = certificate.files
  const address = `https://127.0.0.1:${port}`
  const end = await startRegistryProcess(['--port', String(port), '--tls-cert', cert, '--tls-key', key])
  return {
    source: { type: 'consul', address, tls: { ca } },
    target: { api: 'consul', address, ca: await readFile(ca, 'latin1') },
    async close() {
      await end()
      await certificate.remove()
    },
  }
}

/** A real Consul, registered with over its plain port. */
async function startConsulH2(): Promise<BenchRegistry> {
  const [port = 0] = await freePorts(1)
  const certificate = await writeCertificate()
  const { ca, cert, key } = certificate.files
  const consul = await startConsul({ tls: { port, cert, key } })
  return {
    source: { type: 'consul', address: `https://127.0.0.1:${port}`, tls: { ca } },
    target: { api: 'consul', address: consul.address },
    async close() {
      await consul.kill()
      await certificate.remove()
    },
  }
}

/** @returns what ends it */
async function startRegistryProcess(args: readonly string[]): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [cli, 'registry', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.stdout.resume()
  return async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

async function writeCertificate() {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-bench-tls-'))
  const authority = Authority.create('bench')
  const { cert, key } = authority.issue({ names: ['127.0.0.1'] })
  const [ofCa, ofCert, ofKey] = ['ca.pem', 'registry.pem', 'registry.key'].map((name) => join(folder, name))
  if (ofCa === undefined || ofCert === undefined || ofKey === undefined) throw new RangeError('three files')
  await writeFile(ofCa, authority.cert)
  await writeFile(ofCert, cert)
  await writeFile(ofKey, key)
  return {
    files: { ca: ofCa, cert: ofCert, key: ofKey },
    remove: async () => rm(folder, { recursive: true }),
  }
}

/** A real etcd that keeps its files in memory: what the disk of this machine costs is no figure of the gateway's. */
async function startRealEtcd(): Promise<BenchRegistry> {
  const dataDir = await mkdtemp(join('/dev/shm', 'tidegate-bench-'))
  const etcd = await startEtcd({ dataDir })
  return {
    source: { type: 'etcd', endpoints: [etcd.address] },
    target: { api: 'etcd', address: etcd.address },
    async close() {
      await etcd.kill()
      await rm(dataDir, { recursive: true })
    },
  }
}

/** By the name that `--registry` has. */
export const registries: Readonly<Record<string, () => Promise<BenchRegistry>>> = {
  embedded: startEmbedded,
  'embedded-tls': startEmbeddedTls,
  'consul-h2': startConsulH2,
  etcd: startRealEtcd,
}
