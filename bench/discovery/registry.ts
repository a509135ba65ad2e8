import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
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
  const child = spawn(process.execPath, [cli, 'registry', '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.stdout.resume()
  return {
    source: { type: 'consul', address },
    target: { type: 'embedded', address },
    async close() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** A real etcd that keeps its files in memory: what the disk of this machine costs is no figure of the gateway's. */
async function startRealEtcd(): Promise<BenchRegistry> {
  const dataDir = await mkdtemp(join('/dev/shm', 'tidegate-bench-'))
  const etcd = await startEtcd({ dataDir })
  return {
    source: { type: 'etcd', endpoints: [etcd.address] },
    target: { type: 'etcd', address: etcd.address },
    async close() {
      await etcd.kill()
      await rm(dataDir, { recursive: true })
    },
  }
}

/** By the name that `--registry` has. */
export const registries: Readonly<Record<FeedTarget['type'], () => Promise<BenchRegistry>>> = {
  embedded: startEmbedded,
  etcd: startRealEtcd,
}
