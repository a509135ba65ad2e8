import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Listens with the shortest queue and never accepts: its event loop stands still. */
const program = `
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
`

/** A port on which connections are neither accepted nor refused, since its queue is full. */
export async function startDeafListener(): Promise<{ port: number; close(): Promise<void> }> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  const address = { port: Number(String(port)), host: '127.0.0.1' }
  // The system lets one more than the backlog wait; they connect, whatever else tries does not.
  const fillers: Socket[] = []
  for (let i = 0; i < 2; i++) {
    const filler = connect(address)
    filler.on('error', () => {})
    await once(filler, 'connect')
    fillers.push(filler)
  }
  return {
    port: address.port,
    async close() {
      for (const filler of fillers) filler.destroy()
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}
