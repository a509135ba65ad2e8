import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { RegisterError } from '../register-error.ts'

/** How a program ended, as a shell's `$?` says it: its exit code, or 128 and the number of the signal. */
export type ExitCode = number

/**
 * A program of any language, run as a child in a process group of its own: Ctrl-C in a terminal reaches this process alone, which passes it on when it
 * is the program's turn. It inherits standard input, output and error.
 */
export class Program {
  readonly #child: ChildProcess
  /** Rejects where it can't be started. */
  readonly ended: Promise<ExitCode>

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: 'inherit', detached: true })
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', (error) => {
        const message = `${command} can't be started: ${error.message}`
        reject(new RegisterError('invalid', message, { cause: error }))
      })
      this.#child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
    })
    // Whoever waits for it hears of it.
    this.ended.catch(() => {})
  }

  /** A program that is gone hears nothing. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Asks it to end with `name`; kills it when it has not within `killAfterMs`. */
  async end(name: NodeJS.Signals, killAfterMs: number): Promise<ExitCode> {
    this.signal(name)
    const kill = setTimeout(() => this.#kill(), killAfterMs)
    try {
      return await this.ended
    } finally {
      clearTimeout(kill)
    }
  }

  /** With what it started and did not end: that would keep its port. */
  #kill(): void {
    const { pid } = this.#child
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL')
    } catch {
      this.signal('SIGKILL')
    }
  }
}
