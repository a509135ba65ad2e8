import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export interface CollectedTest {
  /** Its own title behind those of what it is in, with ` > ` between. Tables are filled in. */
  readonly title: string
  /** False when it is skipped, or still to be written. */
  readonly isRun: boolean
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const script = fileURLToPath(new URL('./collect-tests.ts', import.meta.url))

/** The tests that there are in these files, by file; in a process of its own, since a test can't look at others from inside. */
export async function collectedTests(files: readonly string[]): Promise<Record<string, readonly CollectedTest[]>> {
  const { VITEST: _, VITEST_POOL_ID: __, VITEST_WORKER_ID: ___, ...env } = process.env
  const options = { cwd: root, env, maxBuffer: 64 * 1024 * 1024 }
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...files], options)
  return JSON.parse(stdout) as Record<string, readonly CollectedTest[]>
}
