import { createServer, type AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { setTimeout as after } from 'node:timers/promises'
import { createConfigFile, startGatewayProcess } from '../../test/support/gateway-process.ts'
import { HttpClient } from '../../test/support/http-client.ts'

/**
 * GETs through a gateway to instances that close a kept connection after 1 ms without saying so: whenever one is used again, it may
 * be gone, or go in that moment. No request may be lost, and each answer has to be that of its own request.
 *
 * node bench/acceptance/stale-connections.ts [--requests 100000] [--instances 3]
 */
const keepAliveMs = 1
const clients = 32

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '100000' }, instances: { type: 'string', default: '3' } },
})
const wanted = Number(values.requests)

let received = 0
const ports = await Promise.all(
  Array.from({ length: Number(values.instances) }, () => {
    const server = createServer({ noDelay: true }, (socket) => {
      let idle: NodeJS.Timeout | null = null
      socket.on('error', () => {})
      socket.on('close', () => idle !== null && clearTimeout(idle))
      socket.on('data', (bytes) => {
        if (idle !== null) clearTimeout(idle)
        received++
        const target = bytes.toString('latin1').split(' ', 2)[1] ?? ''
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${target.length}\r\n\r\n${target}`)
        idle = setTimeout(() => socket.destroy(), keepAliveMs)
      })
    })
    return new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
  }),
)
const file = await createConfigFile(
  JSON.stringify({
    listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
    admin: { address: '127.0.0.1:0' },
    workers: 2,
    log: { access: false },
    stateDir: null,
    discovery: { fixed: { type: 'static', services: { api: ports.map((port) => `127.0.0.1:${port}`) } } },
    routes: [{ path: '/', service: 'api' }],
  }),
)
const gateway = startGatewayProcess(file.path)
try {
  const { listeners, admin } = await gateway.listening()
  const lost = new Map<string, number>()
  let sent = 0
  const loop = async (): Promise<void> => {
    const client = new HttpClient(listeners[0]?.port ?? 0)
    while (sent < wanted) {
      const target = `/${sent++}`
      const outcome = await client.get(target).then(
        ({ status, body }) => (body === target ? null : `${status} ${body}`),
        (error: unknown) => String(error),
      )
      if (outcome !== null) lost.set(outcome, (lost.get(outcome) ?? 0) + 1)
      // Around the time at which connections close.
      if (Math.random() < 0.3) await after(Math.random() * 3)
    }
    client.close()
  }
  await Promise.all(Array.from({ length: clients }, loop))
  const metrics = (await new HttpClient(admin.port).get('/metrics')).body
  const retries = metrics.split('\n').filter((line) => line.startsWith('tidegate_retries_total{'))
  const count = [...lost.values()].reduce((sum, times) => sum + times, 0)
  console.log(`${sent} requests to ${ports.length} instances, ${received} received by them, ${count} lost`)
  for (const [what, times] of lost) console.log(`${times} × ${what}`)
  for (const line of retries) console.log(line)
  process.exitCode = count === 0 ? 0 : 1
} finally {
  await gateway.kill()
  await file.remove()
  setImmediate(() => process.exit())
}
