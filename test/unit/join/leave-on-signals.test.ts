import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'

const program = new URL('../../support/leaving-program.ts', import.meta.url).pathname

/** Starts it, sends SIGTERM, and waits for its end. */
async function terminated(OTHERS: string): Promise<{ said: string[]; by: number | NodeJS.Signals | null }> {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, OTHERS },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said: string[] = []
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  for await (const line of createInterface(child.stdout)) {
    if (line === 'ready') child.kill('SIGTERM')
    else said.push(line)
  }
  const [code, signal] = await exit
  return { said, by: signal ?? code }
}

it.each([
  ['alone', 'join', ['first left']],
  ['with another copy of the library', 'join,copy', ['first left', 'copy left']],
  ['with another copy that was first', 'copy,join', ['first left', 'copy left']],
  ['with signal-exit 4', 'join,signal-exit 4', ['first left', 'signal-exit']],
  ['with signal-exit 4 that was first', 'signal-exit 4,join', ['first left', 'signal-exit']],
  ['with signal-exit 3', 'signal-exit 3,join', ['first left', 'signal-exit']],
  ['with both', 'signal-exit 4,join,copy', ['first left', 'copy left', 'signal-exit']],
])('a program that leaves %s ends by the signal, when all have left', async (_, others, said) => {
  expect(await terminated(others)).toEqual({ said, by: 'SIGTERM' })
})

it.each(['once,join', 'join,once', 'once,join,copy', 'once,signal-exit 4,join'])(
  'a program with a listener of its own ends as that one says: %s',
  async (others) => {
    const { said, by } = await terminated(others)
    expect(said).toContain('own')
    expect(said).toContain('first left')
    expect(by).toBe(7)
  },
)
