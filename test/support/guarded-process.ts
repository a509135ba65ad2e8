import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

const keptOutputChars = 64 * 1024

/**
 * Ends the program when this process ends in whatever way, SIGKILL included: the first process becomes the program, the second
 * waits for fd 3, a pipe only this process holds, to close.
 */
const guardedStart = '(cat <&3; kill -KILL $$) >/dev/null 2>&1 & exec "$0" "$@" 3<&-'

/** A registry that ends when this process ends in whatever way. */
export class GuardedProcess {
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown>
  #output = ''

  constructor(binary: string, args: string[]) {
    this.#process = spawn('sh', ['-c', guardedStart, binary, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    })
    this.#exited = once(this.#process, 'exit').then(() => this.#process.stdio[3]?.destroy())
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-keptOutputChars)
      })
    }
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  get output(): string {
    return this.#output
  }

  /** True at its next output, false when it has ended. */
  async nextOutput(): Promise<boolean> {
    const { stdout, exitCode, signalCode } = this.#process
    if (!stdout || exitCode !== null || signalCode !== null) return false
    const controller = new AbortController()
    try {
      return await Promise.race([
        once(stdout, 'data', { signal: controller.signal }).then(() => true),
        this.#exited.then(() => false),
      ])
    } finally {
      controller.abort()
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#process.kill(signal)
    // A paused process takes no SIGTERM before it runs again.
    this.#process.kill('SIGCONT')
    await this.#exited
  }
}
