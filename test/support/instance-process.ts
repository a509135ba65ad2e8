import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Answers every request with its name in `x-instance`. */
const program = `
  const server = require('node:http').createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    response.writeHead(200, { 'x-instance': process.argv[1] }).end('ok')
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

export async function startInstanceProcess(id: string): Promise<InstanceProcess> {
  const child = spawn(process.execPath, ['-e', program, id], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
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
