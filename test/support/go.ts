import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** How `go` says that it can't reach modules, rather than that a module is wrong. */
const outOfReach = /Get "http|reading http|dial tcp|lookup .* on |module lookup disabled|no such host|i\/o timeout/

/** A Go program, or why this machine can't build it. */
export type GoProgram = { readonly binary: string } | { readonly whyNot: string }

interface Failed extends Error {
  readonly code?: string | number
  readonly stderr?: string
}

/**
 * Builds the program in `folder` to `into`. The Go toolchain and the network are not among what the tests need, so their absence is an answer;
 * everything else that fails, rejects: a program that does not compile, a checksum that is wrong or not there.
 */
export async function buildGoProgram(folder: string, into: string, env = process.env): Promise<GoProgram> {
  const binary = join(into, 'program')
  try {
    await run('go', ['mod', 'download'], { cwd: folder, env })
    await run('go', ['build', '-o', binary, '.'], { cwd: folder, env })
    return { binary }
  } catch (error) {
    const { code, stderr = '', message } = error as Failed
    if (code === 'ENOENT') return { whyNot: 'there is no `go` on PATH' }
    if (/requires go >=/.test(stderr)) return { whyNot: `this Go is too old: ${stderr.trim()}` }
    if (outOfReach.test(stderr)) return { whyNot: `Go modules are out of reach: ${stderr.trim().split('\n')[0]}` }
    throw new Error(`${folder} can't be built: ${stderr || message}`, { cause: error })
  }
}
