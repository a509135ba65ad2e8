import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

const cli = new URL('../../src/cli.ts', import.meta.url).pathname

export interface CommandResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `tidegate …` as a process of its own. */
export class CommandProcess {
  readonly child: ChildProcess
  readonly #exit: Promise<unknown[]>
  #stdout = ''
  #stderr = ''

  constructor(...args: readonly string[]) {
    this.child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#exit = once(this.child, 'close')
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text))
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
  }

  /** Resolves once that was written to stdout; rejects when the process ends without it. */
  async says(text: string): Promise<void> {
    while (!this.#stdout.includes(text)) {
      const ended = this.#exit.then(() => {
        throw new Error(`ended without saying ${JSON.stringify(text)}: ${this.#stdout}${this.#stderr}`)
      })
      const more = once(this.child.stdout as NonNullable<ChildProcess['stdout']>, 'data')
      await Promise.race([more, ended])
    }
  }

  async ended(): Promise<CommandResult> {
    const [exitCode] = (await this.#exit) as [number | null]
    return { exitCode, stdout: this.#stdout, stderr: this.#stderr }
  }
}

export function runCommand(...args: readonly string[]): Promise<CommandResult> {
  return new CommandProcess(...args).ended()
}
