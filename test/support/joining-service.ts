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
}

/** Resolves when it has registered. */
export async function startJoiningService(
  service: string,
  registry: string,
  example: 'node-service' | 'grpc-service' = 'node-service',
): Promise<JoiningService> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=tidegate-source', `${examples}${example}/server.ts`],
    {
      env: { ...process.env, SERVICE: service, TIDEGATE_REGISTRY: registry },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const lines = createInterface(child.stdout!)
  const [line] = (await Promise.race([once(lines, 'line'), exit.then(() => ['it ended'])])) as [string]
  const found = / is (\S+) at http:\/\/.*:(\d+)$/.exec(line)
  if (found === null) throw new Error(`${example} did not start: ${line}`)
  return {
    pid: child.pid ?? 0,
    id: found[1] ?? '',
    port: Number(found[2]),
    signal: (signal) => void child.kill(signal),
    ended: async () => (await exit)[1],
  }
}
