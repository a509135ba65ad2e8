import { type ChildProcess, spawn } from 'node:child_process'
import type { HandedSocket } from '../core/listen-socket.ts'
import { keepOutputNonBlocking } from '../util/inherited-output.ts'
import type { Bequest, PredecessorMessage, Readiness, SuccessorMessage } from './messages.ts'
import { noteVariables } from './note.ts'

/** Descriptors of a child before those of the sockets: stdin, stdout, stderr, the channel. */
const firstSocketFd = 4
/** One that was told to end gets this long before it is killed. */
const endGraceMs = 5000

export interface SuccessorOptions {
  readonly sockets: readonly HandedSocket[]
  /** From its start until it could serve. */
  readonly deadlineMs: number
  /** @returns what stands against it that the new process takes over as ready as that; null = nothing */
  readonly objection: (readiness: Readiness) => string | null
  readonly bequest: () => Bequest
  /** `granted`: see SuccessorState. */
  readonly onStep: (step: 'started' | 'granted', pid: number) => void
  /** How this process was started, for tests. */
  readonly command?: { readonly execPath: string; readonly args: readonly string[] }
}

/**
 * `preparing`: it accepts nothing, and can be dismissed. `granted`: it was told to take over, and may serve at any moment: from now
 * on it is never killed. `serving`: it said so. `ended`: it was dismissed, or is gone.
 */
export type SuccessorState = 'preparing' | 'granted' | 'serving' | 'ended'

/** A process that is to take this one's place: the program anew, started as this process was, with copies of its listening sockets. */
export class Successor {
  /** Resolves when it serves. Rejects with the reason when it does not; then it is gone, or about to be. */
  readonly serving: Promise<void>
  readonly #options: SuccessorOptions
  readonly #child: ChildProcess
  readonly #verdict = Promise.withResolvers<void>()
  readonly #gone = Promise.withResolvers<void>()
  readonly #deadline: NodeJS.Timeout
  #state: SuccessorState = 'preparing'

  constructor(options: SuccessorOptions) {
    const { sockets, deadlineMs, command = ownCommand() } = options
    const note = noteVariables({
      pid: process.pid,
      sockets: sockets.map((socket, index) => ({ ...socket, fd: firstSocketFd + index })),
    })
    const child = spawn(command.execPath, command.args, {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc', ...sockets.map(({ fd }) => fd)],
      env: { ...process.env, ...note },
    })
    keepOutputNonBlocking()
    this.#options = options
    this.#child = child
    this.#deadline = setTimeout(() => void this.dismiss(`it was not ready within ${deadlineMs} ms`), deadlineMs)
    child.on('error', (error) => this.#ended(`it could not be started: ${error.message}`))
    child.on('exit', (code, signal) => this.#ended(`it ended with ${signal ?? `code ${code}`} before it served`))
    child.on('message', (message: SuccessorMessage) => this.#received(message))
    this.serving = this.#verdict.promise.finally(() => this.#unref())
  }

  /** NaN when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? NaN
  }

  get state(): SuccessorState {
    return this.#state
  }

  /** Ends one that prepares; any other goes its way. Resolves when it accepts nothing and never will, or is not to be ended. */
  async dismiss(reason: string): Promise<void> {
    if (this.#state === 'preparing') {
      this.#enter('ended')
      this.#verdict.reject(new Error(reason))
      this.#tell({ type: 'refused', reason })
      const grace = setTimeout(() => this.#child.kill('SIGKILL'), endGraceMs)
      void this.#gone.promise.then(() => clearTimeout(grace))
    }
    if (this.#state === 'ended') await this.#gone.promise
  }

  /** This process shuts down, and the service with it: one that was told to take over finishes what it accepted, and ends. */
  async shutDown(reason: string): Promise<void> {
    if (this.#state !== 'granted') return this.dismiss(reason)
    this.#child.kill('SIGTERM')
    // It may take longer than this process.
    this.#unref()
  }

  #received(message: SuccessorMessage): void {
    if (message.type === 'serving' && this.#state === 'granted') {
      this.#enter('serving')
      this.#verdict.resolve()
    }
    if (message.type !== 'prepared' || this.#state !== 'preparing') return
    const objection = this.#options.objection(message)
    if (objection !== null) return void this.dismiss(objection)
    const { tickets, orders } = this.#options.bequest()
    const secret = Buffer.from(tickets.secret).toString('base64')
    this.#enter('granted')
    this.#options.onStep('granted', this.pid)
    this.#tell({ type: 'take-over', secret, remainingMs: tickets.remainingMs, orders })
  }

  #ended(reason: string): void {
    this.#enter('ended')
    // A Node that ends gives stdout and stderr the flags that it found.
    keepOutputNonBlocking()
    this.#verdict.reject(new Error(reason))
    this.#gone.resolve()
  }

  #unref(): void {
    this.#child.unref()
    this.#child.channel?.unref()
  }

  #enter(state: SuccessorState): void {
    this.#state = state
    clearTimeout(this.#deadline)
  }

  #tell(message: PredecessorMessage): void {
    // It may have ended meanwhile, which `exit` says.
    if (this.#child.connected) this.#child.send(message, () => {})
  }
}

function ownCommand(): { execPath: string; args: string[] } {
  return { execPath: process.execPath, args: [...process.execArgv, ...process.argv.slice(1)] }
}
