import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Answers every request with its name in `x-instance`; `/health` as late as it is told. */
const program = `
  const server = require('node:http').createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const answer = () => response.writeHead(200, { 'x-instance': process.argv[1] }).end('ok')
    if (request.url === '/health') setTimeout(answer, Number(process.argv[2]))
    else answer()
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
  process.once('disconnect', () => process.exit(0))
`

/** An instance of a service as a process of its own, which can be stopped in the middle of everything. */
export interface InstanceProcess {
  readonly id: string
  readonly port: number
  /** SIGSTOP: the system still accepts connections for it, and nothing answers. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

/** @param options.healthLatencyMs how long it takes to answer a health check; default 0 */
export async function startInstanceProcess(id: string, { healthLatencyMs = 0 } = {}): Promise<InstanceProcess> {
  const child = spawn(process.execPath, ['-e', program, id, String(healthLatencyMs)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const [port] = (await once(child.stdout as NodeJS.EventEmitter, 'data')) as [Buffer]
  return {
    id,
    port: Number(String(port)),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
