import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findOrFetchEtcd } from '../../scripts/fetch-etcd.ts'
import { type EtcdApi, etcdApi } from './etcd-api.ts'
import { freePorts } from './free-ports.ts'
import { GuardedProcess } from './guarded-process.ts'

export interface EtcdOptions {
  /** Default: a free port. A fixed one lets a test restart etcd where its clients expect it. */
  readonly port?: number
  /** Keeps the keys there over restarts. Default: a folder of its own, gone with the process. */
  readonly dataDir?: string
  /** PEM files; with them the client URL is `https:`, and clients have to show a certificate of the authority `ca`. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
  /** Several make one cluster. */
  readonly args?: readonly string[]
}

export interface Etcd {
  /** For example `http://127.0.0.1:2379`. */
  readonly address: string
  readonly port: number
  readonly api: EtcdApi
  /** SIGTERM; resolves when the process is gone. Stopping or killing twice is harmless. */
  stop(): Promise<void>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void
  /** SIGCONT. */
  resume(): void
}

const startAttempts = 3

/** Starts a real etcd of one member on loopback and resolves once it answers. Rejects with its output when it does not come up. */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  for (let attempt = 1; ; attempt++) {
    const [free = 0, peerPort = 0] = await freePorts(2)
    const port = options.port ?? free
    const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'tidegate-etcd-')))
    const peer = `http://127.0.0.1:${peerPort}`
    const member = { port, dataDir, peer, cluster: `default=${peer}`, name: 'default' }
    const { process, address } = await startMember(member, options)
    const forget = async () => {
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
    }
    const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
      await process.end(signal)
      await forget()
    }
    if (await untilReady(process)) {
      return {
        address,
        port,
        api: etcdApi(address),
        stop: async () => end('SIGTERM'),
        kill: async () => end('SIGKILL'),
        pause: () => process.signal('SIGSTOP'),
        resume: () => process.signal('SIGCONT'),
      }
    }
    await end('SIGKILL')
    // Between choosing a port and etcd's taking it another program may be quicker.
    if (process.output.includes('address already in use') && attempt < startAttempts) continue
    throw new Error(`etcd did not start on port ${port}. Its output:\n${process.output}`)
  }
}

/** Starts a cluster of that many members, none of which is ready before the others are there. */
export async function startEtcdCluster(size: number): Promise<readonly Etcd[]> {
  const ports = await freePorts(size * 2)
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-etcd-'))
  const members = Array.from({ length: size }, (_, i) => ({
    name: `m${i}`,
    port: ports[i] ?? 0,
    peer: `http://127.0.0.1:${ports[size + i]}`,
    dataDir: join(folder, `m${i}`),
  }))
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join()
  return Promise.all(
    members.map(async (member) => {
      const { process, address } = await startMember({ ...member, cluster }, { args: ['--election-timeout', '500'] })
      if (!(await untilReady(process))) throw new Error(`etcd did not start. Its output:\n${process.output}`)
      const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
        await process.end(signal)
        await rm(member.dataDir, { recursive: true, force: true })
      }
      return {
        address,
        port: member.port,
        api: etcdApi(address),
        stop: async () => end('SIGTERM'),
        kill: async () => end('SIGKILL'),
        pause: () => process.signal('SIGSTOP'),
        resume: () => process.signal('SIGCONT'),
      }
    }),
  )
}

interface Member {
  readonly name: string
  readonly port: number
  readonly peer: string
  readonly cluster: string
  readonly dataDir: string
}

async function startMember({ name, port, peer, cluster, dataDir }: Member, { tls, args = [] }: EtcdOptions) {
  const binary = await findOrFetchEtcd()
  const address = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`
  const settings = {
    name,
    'data-dir': dataDir,
    'listen-client-urls': address,
    'advertise-client-urls': address,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': cluster,
    'log-outputs': 'stdout',
    logger: 'zap',
    ...(tls && { 'trusted-ca-file': tls.ca, 'cert-file': tls.cert, 'key-file': tls.key, 'client-cert-auth': 'true' }),
  }
  const flags = Object.entries(settings).map(([flag, value]) => `--${flag}=${value}`)
  return { process: new GuardedProcess(binary, [...flags, ...args]), address }
}

/** etcd serves clients once it has a leader; it logs that then. @returns false when it has ended instead */
async function untilReady(process: GuardedProcess): Promise<boolean> {
  while (!process.output.includes('serving client traffic')) {
    if (!(await process.nextOutput())) return false
  }
  return true
}
