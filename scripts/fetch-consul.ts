/** Finds a Consul binary for the tests, or fetches one: `node scripts/fetch-consul.ts` prints its path. */
import { type DebianProgram, findOrFetch, printPath } from './fetch-debian.ts'

/** Debian's bullseye suite has Consul 1.8.7, one static program. */
const consul: DebianProgram = {
  title: 'Consul',
  command: 'consul',
  variable: 'CONSUL_BIN',
  package: 'consul',
  suite: 'bullseye',
  versionArgs: ['version'],
  wayOut: 'Install Consul 1.8 or later so that `consul` is on PATH, or set CONSUL_BIN to its path, and run again.',
}

/** The path of a Consul binary. */
export async function findOrFetchConsul(): Promise<string> {
  return findOrFetch(consul)
}

if (import.meta.main) await printPath(consul)
