import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { familyOf } from './procfs.ts'

export interface Start {
  /** CPUs it may run on, as taskset(1) takes them. */
  readonly cpus: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where its output goes, in files `stdout` and `stderr`. */
  readonly directory: string
}

export interface Running {
  readonly pid: number
  /** Resolves when it takes connections; rejects when it ends before, or after a minute, with what it said. */
  listening(port: number): Promise<void>
  /** Throws, with what it said, when it has ended. */
  checkAlive(): void
  /** SIGTERM, and SIGKILL for it and its descendants when it has not ended 10 s later. */
  stop(): Promise<void>
}

/** Starts processes, and stops all that still run at the end. */
export class Processes {
  #running = new Set<Running>()

  start({ cpus, command, args, env = {}, directory }: Start): Running {
    const stdout = openSync(join(directory, 'stdout'), 'a')
    const stderr = openSync(join(directory, 'stderr'), 'a')
    // taskset replaces itself by the command: the process id stays.
    const child = spawn('taskset', ['-c', cpus, command, ...args], {
      stdio: ['ignore', stdout, stderr],
      env: { ...process.env, ...env },
      cwd: directory,
    })
    closeSync(stdout)
    closeSync(stderr)
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()))
    if (child.pid === undefined) throw new Error(`${command} can't be started: is taskset (util-linux) installed?`)
    const { pid } = child
    const describe = () => `${basename(command)} ${lastWords(directory)}`
    const running: Running = {
      pid,
      listening: (port) => untilListening(port, child, describe),
      checkAlive: () => {
        if (hasEnded(child)) throw new Error(`${describe()}: ended`)
      },
      stop: async () => {
        this.#running.delete(running)
        await end(child, ended)
      },
    }
    this.#running.add(running)
    return running
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.stop()))
  }
}

async function untilListening(port: number, child: ChildProcess, describe: () => string): Promise<void> {
  const deadlineMs = performance.now() + 60_000
  while (!(await accepts(port))) {
    if (hasEnded(child)) throw new Error(`${describe()}: ended before it listened`)
    if (performance.now() > deadlineMs) throw new Error(`${describe()}: does not listen after 60 s`)
    await delay(50)
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (hasEnded(child)) return
  const family = familyOf(child.pid as number)
  child.kill('SIGTERM')
  const patience = new AbortController()
  const late = delay(10_000, true, { signal: patience.signal }).catch(() => false)
  if (await Promise.race([ended, late])) for (const pid of family) kill(pid)
  patience.abort()
  await ended
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself meanwhile.
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Without the places of this run, which are gone once it is over. */
function lastWords(directory: string): string {
  const said = ['stdout', 'stderr'].map((name) => readFileSync(join(directory, name), 'utf8').slice(-1000).trim())
  const text = said.filter((each) => each !== '').join('\n')
  return `(${text.replaceAll(`${directory}/`, '') || 'no output'})`
}
