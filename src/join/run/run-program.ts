import { register } from '../register.ts'
import { RegisterError } from '../register-error.ts'
import type { RegisterOptions } from '../register-options.ts'
import { type ExitCode, Program } from './program.ts'
import { untilPortOpen } from './until-port-open.ts'

export interface RunOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly registration: RegisterOptions
  /** How long the program may take until its port is open. */
  readonly waitMs: number
  /** How long it may take to end after its signal. */
  readonly killAfterMs: number
}

/** Those by which a program is asked to end. */
const ending = ['SIGTERM', 'SIGINT'] as const
/** Passed on as they come. */
const passedOn = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const

/**
 * Runs a program as an instance of a service: starts it, waits until its port is open, registers it, and when it is asked to end takes it
 * out of choice, deregisters it, and only then has the program end. A program that ends by itself is deregistered at once.
 * @returns its exit code
 * @throws RegisterError where it can't be started, opens no port in time, or the registry refuses it; the program is ended then
 */
export async function runProgram(options: RunOptions): Promise<ExitCode> {
  const program = new Program(options.command, options.args)
  const end = new AbortController()
  let asked: NodeJS.Signals | null = null
  const onEnding = (name: NodeJS.Signals): void => {
    // The second time: now, whatever is still in flight.
    if (asked !== null) return program.signal(name)
    asked = name
    end.abort()
  }
  const onPassedOn = (name: NodeJS.Signals): void => program.signal(name)
  const ended = program.ended.finally(() => end.abort())
  // It is asked for below, but may fail before.
  ended.catch(() => {})
  for (const name of ending) process.on(name, onEnding)
  for (const name of passedOn) process.on(name, onPassedOn)
  try {
    await whileJoined(options, end.signal)
    return await (asked === null ? ended : program.end(asked, options.killAfterMs))
  } catch (error) {
    await program.end('SIGTERM', options.killAfterMs).catch(() => {})
    throw error
  } finally {
    for (const name of ending) process.off(name, onEnding)
    for (const name of passedOn) process.off(name, onPassedOn)
  }
}

/** Registers once the port is open; resolves when the instance has left, after `end` aborted. */
async function whileJoined({ registration, waitMs }: RunOptions, end: AbortSignal): Promise<void> {
  const { port, address = '127.0.0.1' } = registration
  const patience = AbortSignal.timeout(waitMs)
  try {
    await untilPortOpen(address, port, AbortSignal.any([end, patience]))
  } catch {
    if (end.aborted) return
    throw new RegisterError('timeout', `port ${port} is not open after ${waitMs / 1000} s; is it the right one?`)
  }
  const joined = await register({ ...registration, leaveOn: [], signal: end })
  await aborted(end)
  await joined.leave()
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
