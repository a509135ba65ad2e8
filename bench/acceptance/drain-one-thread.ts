import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createConfigFile, startGatewayProcess } from '../../test/support/gateway-process.ts'
import { HttpClient } from '../../test/support/http-client.ts'
import { startInstances } from '../../test/support/instance.ts'
import { Traffic } from '../../test/support/traffic.ts'
import { table } from '../markdown-table.ts'

/**
 * What is lost when data threads are drained and replaced one after the other under steady load: on kept connections, and on a
 * new connection per request. The gateway is a process of its own with two threads.
 *
 * node bench/acceptance/drain-one-thread.ts [--drains 20] [--connections 16] [--workers 2]
 */
const { values } = parseArgs({
  options: {
    drains: { type: 'string', default: '20' },
    connections: { type: 'string', default: '16' },
    workers: { type: 'string', default: '2' },
  },
})
const drains = Number(values.drains)
const connections = Number(values.connections)
const askAgainMs = 20
const betweenMs = 250

interface Worker {
  readonly column: number
  readonly id: number
  readonly state: string
}

const closers: (() => unknown)[] = []
try {
  const instances = await startInstances('only', 3)
  for (const instance of instances) closers.push(() => instance.close())
  const file = await createConfigFile(
    JSON.stringify({
      listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
      admin: { address: '127.0.0.1:0' },
      workers: Number(values.workers),
      log: { access: false },
      stateDir: null,
      discovery: {
        fixed: { type: 'static', services: { only: instances.map(({ port }) => `127.0.0.1:${port}`) } },
      },
      routes: [{ path: '/', service: 'only' }],
    }),
  )
  closers.push(() => file.remove())
  const gateway = startGatewayProcess(file.path)
  closers.push(() => gateway.kill())
  const addresses = await gateway.listening()
  const port = addresses.listeners[0]?.port ?? 0
  const admin = new HttpClient(addresses.admin.port)
  closers.push(() => admin.close())

  const rows: string[][] = []
  const failures: string[] = []
  for (const keepAlive of [true, false]) {
    const traffic = new Traffic(port, '/', connections, { keepAlive })
    await traffic.more(1000)
    const startedMs = performance.now()
    const drainMs: number[] = []
    for (let i = 0; i < drains; i++) {
      await after(betweenMs)
      drainMs.push(await drainOne(admin, i))
    }
    const seconds = (performance.now() - startedMs) / 1000
    const { requests, failed, resent } = await traffic.stop()
    failures.push(...failed)
    rows.push([
      keepAlive ? 'kept connections' : 'a connection per request',
      String(drains),
      String(requests),
      (requests / seconds).toFixed(0),
      String(failed.length),
      String(resent),
      (drainMs.reduce((sum, ms) => sum + ms, 0) / drains).toFixed(0),
    ])
  }
  console.log(`${connections} at a time, ${values.workers} data threads`)
  console.log(table(['load', 'drains', 'requests', 'per second', 'failed', 'sent again', 'ms per drain'], rows))
  const kinds = new Map<string, number>()
  for (const what of failures) kinds.set(what, (kinds.get(what) ?? 0) + 1)
  for (const [what, count] of kinds) console.log(`failed, ${count} times: ${what}`)
} finally {
  for (const close of closers.toReversed()) await close()
}

/** Drains a serving thread, each time another. @returns milliseconds until it was gone */
async function drainOne(admin: HttpClient, turn: number): Promise<number> {
  const serving = (await workersOf(admin)).filter(({ state }) => state === 'serving')
  const subject = serving[turn % serving.length]
  if (subject === undefined) throw new Error('no thread serves')
  const startedMs = performance.now()
  const { status, body } = await admin.post(`/api/v1/workers/${subject.column}/drain`)
  if (status !== 202) throw new Error(`${status} ${body}`)
  while ((await workersOf(admin)).some(({ id }) => id === subject.id)) await after(askAgainMs)
  return performance.now() - startedMs
}

async function workersOf(admin: HttpClient): Promise<readonly Worker[]> {
  return (JSON.parse((await admin.get('/api/v1/workers')).body) as { workers: Worker[] }).workers
}
