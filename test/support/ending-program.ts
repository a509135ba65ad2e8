import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** Runs a program of this folder until it ends by itself. @returns what it said, and its exit code */
export async function untilEnded(
  program: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly said: string; readonly exitCode: number | null }> {
  const path = new URL(program, import.meta.url).pathname
  const child = spawn(process.execPath, ['--conditions=tidegate-source', path], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [said, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return { said, exitCode: exitCode as number | null }
}
