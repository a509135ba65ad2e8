import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const examples = new URL('../../examples/', import.meta.url).pathname

/** An example as a process of its own, which registers itself. */
export interface JoiningService {
  readonly pid: number
  /** Its id in the registry. */
  readonly id: string
  readonly port: number
  signal(signal: NodeJS.Signals): void
  /** Resolves when the process is gone, with the signal that ended it. */
  ended(): Promise<NodeJS.Signals | null>
  /** The same with its exit code. */
  exitCode(): Promise<number | null>
}

/** Resolves when it has registered. */
export async function startJoiningService(
  service: string,
  registry: string,
  example: 'node-service' | 'grpc-service' = 'node-service',
): Promise<JoiningService> {
  const args = ['--conditions=tidegate-source', `${examples}${example}/server.ts`]
  return startJoiningProgram([process.execPath, ...args], { SERVICE: service, TIDEGATE_REGISTRY: registry })
}

/** Resolves when it has said where it serves, in a line such as `greeter is ID at http://127.0.0.1:8080`. */
export async function startJoiningProgram(
  [command, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): Promise<JoiningService> {
  const child: ChildProcess = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const lines = createInterface(child.stdout!)
  const [line] = (await Promise.race([once(lines, 'line'), exit.then(() => ['it ended'])])) as [string]
  const found = / is (\S+) at http:\/\/.*:(\d+)$/.exec(line)
  if (found === null) throw new Error(`${[command, ...args].join(' ')} did not start: ${line}`)
  return {
    pid: child.pid ?? 0,
    id: found[1] ?? '',
    port: Number(found[2]),
    signal: (signal) => void child.kill(signal),
    ended: async () => (await exit)[1],
    exitCode: async () => (await exit)[0],
  }
}
