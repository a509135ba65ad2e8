import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GatewayAddresses } from '../../src/gateway.ts'
import { LogLines } from './log-lines.ts'

const cli = new URL('../../src/cli.ts', import.meta.url).pathname

/** `tidegate start -c FILE` as a process of its own. */
export interface GatewayProcess {
  readonly pid: number
  readonly log: LogLines
  /** What of its standard error was read so far. */
  readonly stderr: () => string
  /** Resolves once that was written to standard error. */
  complained(text: string): Promise<void>
  /** Resolves when it serves. */
  listening(): Promise<GatewayAddresses>
  signal(signal: NodeJS.Signals): void
  /** The exit code; null when a signal ended it. */
  exited(): Promise<number | null>
  /** The same with all that it wrote, once it has come: for one that leaves its outputs to no successor. */
  ended(): Promise<{ readonly code: number | null; readonly stderr: string }>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

export function startGatewayProcess(file: string, ...more: readonly string[]): GatewayProcess {
  return observe(spawn(process.execPath, [cli, 'start', '-c', file, ...more], { stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** The same, with options of Node's own, and more in its environment. */
export function startGatewayWith(
  nodeArgs: readonly string[],
  file: string,
  env: NodeJS.ProcessEnv = {},
): GatewayProcess {
  const args = [...nodeArgs, cli, 'start', '-c', file]
  return observe(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } }))
}

/** One whose first data thread dies at SIGWINCH; so do those of its successors. */
export function startMortalGatewayProcess(file: string): GatewayProcess {
  const mortal = new URL('mortal-threads.ts', import.meta.url).href
  return startGatewayWith(['--import', mortal], file)
}

/**
 * Listens on ports of loopback, starts a gateway with those sockets as systemd does for a socket unit, keeps them, and never accepts. A
 * shell that becomes the gateway sets `LISTEN_PID`.
 */
const socketUnit = `
  const { spawn } = require('node:child_process')
  const [ports, names, ...command] = process.argv.slice(1)
  const servers = ports.split(',').map((port) => require('node:net').createServer().listen(Number(port), '127.0.0.1'))
  let waiting = servers.length
  for (const server of servers) server.on('listening', () => {
    if (--waiting > 0) return
    const sockets = servers.map((server) => server._handle.fd)
    spawn('/bin/sh', ['-c', 'export LISTEN_PID=$$; exec "$0" "$@"', process.execPath, ...command], {
      stdio: ['ignore', 1, 2, ...sockets],
      env: { ...process.env, LISTEN_FDS: String(sockets.length), LISTEN_FDNAMES: names },
    })
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
`

/** A gateway with sockets that another process opened and holds: that process is what is returned. @param names as `LISTEN_FDNAMES` has them */
export function startWithSockets(file: string, ports: readonly number[], names: readonly string[]): GatewayProcess {
  const args = ['-e', socketUnit, '--', ports.join(','), names.join(':'), cli, 'start', '-c', file]
  return observe(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }))
}

function observe(child: ChildProcess): GatewayProcess {
  const exit = once(child, 'exit')
  const close = once(child, 'close')
  const log = new LogLines()
  let errors = ''
  child.stdout?.setEncoding('latin1').on('data', (text: string) => log.append(text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return {
    pid: child.pid ?? 0,
    log,
    stderr: () => errors,
    async complained(text) {
      // Nothing says in which order its two outputs are read.
      while (!errors.includes(text)) await once(child.stderr as NonNullable<ChildProcess['stderr']>, 'data')
    },
    async listening() {
      const line = await log.line('listening')
      return line as unknown as GatewayAddresses
    },
    signal: (signal) => void child.kill(signal),
    exited: async () => {
      const [code] = (await exit) as [number | null]
      return code
    },
    ended: async () => {
      const [code] = (await close) as [number | null]
      return { code, stderr: errors }
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
    // Written aside: a gateway that follows it must not find it emptied.
    async write(next) {
      await writeFile(`${path}~`, next)
      await rename(`${path}~`, path)
    },
    remove: async () => rm(directory, { recursive: true, force: true }),
  }
}
