import type { ConfigInput } from '../../src/config/schema.ts'
import { type ConfigFile, createConfigFile, type GatewayProcess, startGatewayProcess } from './gateway-process.ts'
import type { LogLine, LogLines } from './log-lines.ts'

type Listening = LogLine & {
  readonly pid: number
  readonly listeners: readonly { readonly name: string; readonly port: number }[]
  readonly admin: { readonly port: number }
}

/** A gateway as a process of its own, and those that take its place. All write to one log. */
export class Succession {
  readonly file: ConfigFile
  readonly log: LogLines
  readonly first: GatewayProcess

  private constructor(file: ConfigFile, first: GatewayProcess) {
    this.file = file
    this.first = first
    this.log = first.log
  }

  /** @param start default `tidegate start -c FILE` */
  static async start(config: ConfigInput, start = startGatewayProcess): Promise<Succession> {
    const file = await createConfigFile(JSON.stringify(config))
    const succession = new Succession(file, start(file.path))
    try {
      await succession.log.line('listening')
      return succession
    } catch (error) {
      await succession.close()
      throw error
    }
  }

  get generations(): readonly Listening[] {
    return this.lines('listening') as Listening[]
  }

  get current(): Listening {
    return this.generations.at(-1) as Listening
  }

  port(listener = 'edge'): number {
    return this.current.listeners.find(({ name }) => name === listener)?.port ?? 0
  }

  lines(msg: string): LogLine[] {
    return this.log.lines.filter((line) => line.msg === msg)
  }

  /** Resolves with the n-th line of that event, counted from 1. */
  async nth(msg: string, count: number): Promise<LogLine> {
    return this.log.until(`the log line "${msg}" ${count} times`, () => this.lines(msg)[count - 1])
  }

  /** SIGUSR2 to the one that serves; resolves when another does. */
  async handOver(): Promise<void> {
    const generation = this.generations.length
    process.kill(this.current.pid, 'SIGUSR2')
    await this.nth('listening', generation + 1)
  }

  /** The same, where it comes to nothing; resolves with the reason. */
  async handOverInVain(): Promise<string> {
    const failures = this.lines('handover-failed').length
    process.kill(this.current.pid, 'SIGUSR2')
    return String((await this.nth('handover-failed', failures + 1))['cause'])
  }

  async close(): Promise<void> {
    const pids = [...this.generations, ...this.lines('successor started')].map((line) => Number(line['pid']))
    for (const pid of new Set(pids)) kill(pid)
    await this.first.kill()
    await this.file.remove()
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}
