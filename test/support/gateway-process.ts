import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GatewayAddresses } from '../../src/gateway.ts'
import { LogLines } from './log-lines.ts'

const cli = new URL('../../src/cli.ts', import.meta.url).pathname

/** `tidegate start -c FILE` as a process of its own. */
export interface GatewayProcess {
  readonly pid: number
  readonly log: LogLines
  /** Everything it wrote to standard error so far. */
  readonly stderr: () => string
  /** Resolves when it serves. */
  listening(): Promise<GatewayAddresses>
  signal(signal: NodeJS.Signals): void
  /** The exit code; null when a signal ended it. */
  exited(): Promise<number | null>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

export function startGatewayProcess(file: string): GatewayProcess {
  const child = spawn(process.execPath, [cli, 'start', '-c', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = once(child, 'exit')
  const log = new LogLines()
  let errors = ''
  child.stdout.setEncoding('latin1').on('data', (text: string) => log.append(text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return {
    pid: child.pid ?? 0,
    log,
    stderr: () => errors,
    async listening() {
      const line = await log.line('listening')
      return line as unknown as GatewayAddresses
    },
    signal: (signal) => void child.kill(signal),
    exited: async () => {
      const [code] = (await exit) as [number | null]
      return code
    },
    async kill() {
      child.kill('SIGKILL')
      await exit
    },
  }
}

export interface ConfigFile {
  readonly path: string
  write(text: string): Promise<void>
  remove(): Promise<void>
}

/** A YAML file in a directory of its own. */
export async function createConfigFile(text: string): Promise<ConfigFile> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-'))
  const path = join(directory, 'gateway.yaml')
  await writeFile(path, text)
  return {
    path,
    write: async (next) => writeFile(path, next),
    remove: async () => rm(directory, { recursive: true, force: true }),
  }
}
