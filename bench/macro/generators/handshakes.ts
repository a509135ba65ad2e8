import { fileURLToPath } from 'node:url'
import type { Generator, LoadResult, LoadRun } from './contract.ts'
import { runPinned } from './pinned.ts'

const script = fileURLToPath(new URL('./handshake-client.ts', import.meta.url))

/** A connection, with a full handshake, for each request. wrk and h2load can't: they resume a session wherever they may. */
export const newSessions: Generator = { commands: [], run: async (run) => runHandshakes(run, 'new') }

/** A connection for each request, which resumes the session of the one before. */
export const resumedSessions: Generator = { commands: [], run: async (run) => runHandshakes(run, 'resumed') }

async function runHandshakes(
  { url, load, seconds, certificate, cpus, signal }: LoadRun,
  sessions: 'new' | 'resumed',
): Promise<LoadResult> {
  if (certificate === null) throw new Error('handshakes need a certificate')
  const own = [url, `${load.connections}`, `${seconds}`, certificate, sessions]
  return runPinned([process.execPath, script, ...own], { cpus, signal })
}
