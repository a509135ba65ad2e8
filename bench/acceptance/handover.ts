import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Succession } from '../../test/support/handover.ts'
import { startInstances } from '../../test/support/instance.ts'
import { RawTraffic } from '../../test/support/raw-traffic.ts'
import { table } from '../markdown-table.ts'
import { milliseconds } from './figures.ts'

/**
 * What is lost when the gateway is replaced by a new process (SIGUSR2), or reloads (SIGHUP), again and again under steady load: on kept
 * connections, and on a new connection per request. Each answer is checked for the id of its request, and nothing is sent twice.
 *
 * npm run bench:handover -- [--handovers 10] [--reloads 50] [--connections 16] [--workers 2]
 */
const { values } = parseArgs({
  options: {
    handovers: { type: 'string', default: '10' },
    reloads: { type: 'string', default: '50' },
    connections: { type: 'string', default: '16' },
    workers: { type: 'string', default: '2' },
  },
})
const connections = Number(values.connections)
const betweenMs = 250

const instances = await startInstances('only', 3)
const succession = await Succession.start({
  listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
  admin: { address: '127.0.0.1:0' },
  workers: Number(values.workers),
  log: { access: false },
  stateDir: null,
  discovery: { fixed: { type: 'static', services: { only: instances.map(({ port }) => `127.0.0.1:${port}`) } } },
  routes: [{ path: '/', service: 'only' }],
})
const rows: string[][] = []
const failures: string[] = []
try {
  for (const keepAlive of [true, false]) {
    await measure('replaced', Number(values.handovers), keepAlive, async () => {
      const stopped = succession.lines('stopped').length
      await succession.handOver()
      await succession.nth('stopped', stopped + 1)
    })
    await measure('reloaded', Number(values.reloads), keepAlive, async () => {
      const applied = succession.lines('config-applied').length
      process.kill(succession.current.pid, 'SIGHUP')
      await succession.nth('config-applied', applied + 1)
    })
  }
} finally {
  await succession.close()
  await Promise.all(instances.map((instance) => instance.close()))
}
console.log(`${connections} at a time, ${values.workers} data threads`)
console.log(
  table(['gateway', 'times', 'load', 'requests', 'per second', 'failed', 'ms p50', 'ms p99', 'ms highest'], rows),
)
const kinds = new Map<string, number>()
for (const what of failures) kinds.set(what, (kinds.get(what) ?? 0) + 1)
for (const [what, count] of kinds) console.log(`failed, ${count} times: ${what}`)
process.exitCode = failures.length === 0 ? 0 : 1

async function measure(what: string, times: number, keepAlive: boolean, act: () => Promise<void>): Promise<void> {
  const traffic = new RawTraffic(succession.port(), connections, { keepAlive })
  await traffic.more(1000)
  traffic.latenciesMs.length = 0
  const startedMs = performance.now()
  for (let i = 0; i < times; i++) {
    await after(betweenMs)
    await act()
  }
  const seconds = (performance.now() - startedMs) / 1000
  const during = [...traffic.latenciesMs]
  const { failed } = await traffic.stop()
  failures.push(...failed.map((line) => line.replace(/^\S+: /, '')))
  rows.push([
    what,
    String(times),
    keepAlive ? 'kept connections' : 'a connection per request',
    String(during.length),
    (during.length / seconds).toFixed(0),
    String(failed.length),
    ...milliseconds(during),
  ])
}
