/** Finds an etcd binary for the tests, or fetches one: `node scripts/fetch-etcd.ts` prints its path. */
import { type DebianProgram, findOrFetch, printPath } from './fetch-debian.ts'

/** Debian's bookworm suite has etcd 3.4.23; earlier ones have none that serves `/v3`. */
const etcd: DebianProgram = {
  title: 'etcd',
  command: 'etcd',
  variable: 'ETCD_BIN',
  package: 'etcd-server',
  suite: 'bookworm',
  versionArgs: ['--version'],
  wayOut: 'Install etcd 3.4 or later so that `etcd` is on PATH, or set ETCD_BIN to its path, and run again.',
}

/** The path of an etcd binary. */
export async function findOrFetchEtcd(): Promise<string> {
  return findOrFetch(etcd)
}

if (import.meta.main) await printPath(etcd)
