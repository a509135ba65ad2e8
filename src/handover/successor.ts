import { type ChildProcess, spawn } from 'node:child_process'
import type { HandedSocket } from '../core/listen-socket.ts'
import {
  handoverVariable,
  type HandoverNote,
  type PredecessorMessage,
  type SuccessorMessage,
  type TicketBequest,
} from './messages.ts'

/** Descriptors of a child before those of the sockets: stdin, stdout, stderr, the channel. */
const firstSocketFd = 4
/** One that was told to end gets this long before it is killed. */
const endGraceMs = 5000

export interface SuccessorOptions {
  readonly sockets: readonly HandedSocket[]
  /** From its start until it serves. */
  readonly deadlineMs: number
  /** @returns what stands against it that the new process takes over while it knows nothing of these services; null = nothing */
  readonly objection: (missing: readonly string[]) => string | null
  readonly tickets: () => TicketBequest
  /** How this process was started, for tests. */
  readonly command?: { readonly execPath: string; readonly args: readonly string[] }
}

/** A process that is to take this one's place. */
export interface Successor {
  /** NaN when it could not be started. */
  readonly pid: number
  /** Resolves when it serves. Rejects with the reason when it does not; then it is gone, or about to be. */
  readonly serving: Promise<void>
  /** It is not wanted any more. */
  abandon(reason: string): void
}

/** Starts the program anew, as this process was started, with copies of its listening sockets. */
export function startSuccessor(options: SuccessorOptions): Successor {
  const { sockets, command = ownCommand() } = options
  const note: HandoverNote = {
    pid: process.pid,
    sockets: sockets.map((socket, index) => ({ ...socket, fd: firstSocketFd + index })),
  }
  const child = spawn(command.execPath, command.args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc', ...sockets.map(({ fd }) => fd)],
    env: { ...process.env, [handoverVariable]: JSON.stringify(note) },
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const refuse = (reason: string) => {
    reject(new Error(reason))
    dismiss(child, reason)
  }
  const deadline = setTimeout(() => refuse(`it was not ready within ${options.deadlineMs} ms`), options.deadlineMs)
  child.on('error', (error) => reject(new Error(`it could not be started: ${error.message}`)))
  child.on('exit', (code, signal) => reject(new Error(`it ended with ${signal ?? `code ${code}`} before it served`)))
  child.on('message', (message: SuccessorMessage) => {
    if (message.type === 'serving') return resolve()
    const objection = options.objection(message.missing)
    if (objection !== null) return refuse(objection)
    const { secret, remainingMs } = options.tickets()
    tell(child, { type: 'take-over', secret: Buffer.from(secret).toString('base64'), remainingMs })
  })
  return {
    pid: child.pid ?? NaN,
    abandon: refuse,
    serving: promise.finally(() => {
      clearTimeout(deadline)
      child.unref()
    }),
  }
}

function ownCommand(): { execPath: string; args: string[] } {
  return { execPath: process.execPath, args: [...process.execArgv, ...process.argv.slice(1)] }
}

function dismiss(child: ChildProcess, reason: string): void {
  tell(child, { type: 'refused', reason })
  const grace = setTimeout(() => child.kill('SIGKILL'), endGraceMs)
  child.once('exit', () => clearTimeout(grace))
}

function tell(child: ChildProcess, message: PredecessorMessage): void {
  // It may have ended meanwhile, which `exit` says.
  if (child.connected) child.send(message, () => {})
}
