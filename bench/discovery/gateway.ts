import { readFileSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createConfigFile, startGatewayProcess } from '../../test/support/gateway-process.ts'
import { HttpClient } from '../../test/support/http-client.ts'
import { startInstances } from '../../test/support/instance.ts'
import { percentile } from '../acceptance/figures.ts'
import { parseStat, readMicrosPerTick, usageOf } from '../macro/procfs.ts'
import { table } from '../markdown-table.ts'
import { feeds } from './feed.ts'

/**
 * A whole gateway on a registry with many services that change all the time: how soon a change is routed, what the control thread
 * costs, and what the clients of a service that does not change notice.
 *
 * node bench/discovery/gateway.ts [--registry embedded] [--services 1000] [--instances 10000] [--rate 1000] [--seconds 20]
 */
const maxRoutedMs = 250
const maxSlowdown = 1.3
const mebibyte = 1024 ** 2
/** Registrations under way at once. */
const lanes = 16

const { values } = parseArgs({
  options: {
    registry: { type: 'string', default: 'embedded' },
    services: { type: 'string', default: '1000' },
    instances: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
  },
})
const startFeed = feeds[values.registry]
if (startFeed === undefined) throw new RangeError(`--registry is one of ${Object.keys(feeds).join(', ')}`)
const names = Array.from({ length: Number(values.services) }, (_, i) => `service-${i}`)
const perService = Math.round(Number(values.instances) / names.length)
const seconds = Number(values.seconds)

const closers: (() => Promise<void> | void)[] = []
try {
  const feed = await startFeed()
  closers.push(() => feed.close())
  const [calm, one, other] = await startInstances('live', 3)
  if (calm === undefined || one === undefined || other === undefined) throw new RangeError('three instances')
  closers.push(async () => void (await Promise.all([calm, one, other].map((instance) => instance.close()))))
  await feed.add('calm', calm.id, calm.port)
  await feed.add('moving', one.id, one.port)
  await inLanes(names.length * perService, async (i) => {
    await feed.add(names[i % names.length] ?? '', `filler-${i}`, 20_000 + (i % 10_000))
  })
  const file = await createConfigFile(
    JSON.stringify({
      listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
      admin: { address: '127.0.0.1:0' },
      workers: 2,
      stateDir: null,
      log: { access: false },
      discovery: { registry: feed.source },
      routes: ['calm', 'moving', ...names].map((service) => ({ path: `/${service}`, service })),
    }),
  )
  closers.push(async () => file.remove())
  const gateway = startGatewayProcess(file.path)
  closers.push(async () => gateway.kill())
  const { listeners, admin } = await gateway.listening()
  const edgePort = listeners[0]?.port ?? 0
  const adminClient = new HttpClient(admin.port)
  closers.push(() => adminClient.close())
  while ((await adminClient.get('/readyz')).status !== 200) await after(50)
  const client = new HttpClient(edgePort)
  closers.push(() => client.close())

  const quietMs = await latencies(edgePort, after(seconds * 1000))
  const [busyMs, changes, cpuPercent, routedMs] = await churn()
  const residentMiB = usageOf(gateway.pid, readMicrosPerTick()).residentBytes / mebibyte
  const slowdown = percentile(busyMs, 0.99) / percentile(quietMs, 0.99)
  const routedP99Ms = percentile(routedMs, 0.99)
  console.log(
    table(
      ['figure', 'value'],
      [
        ['registry, services, instances', `${values.registry}, ${names.length}, ${names.length * perService}`],
        ['changes made per second', (changes / seconds).toFixed(0)],
        [
          'change to routed, p50 · p99 ms',
          `${percentile(routedMs, 0.5).toFixed(1)} · ${routedP99Ms.toFixed(1)} (${routedMs.length})`,
        ],
        ['control thread, CPU %', cpuPercent.toFixed(1)],
        ['resident, all threads, MiB', residentMiB.toFixed(0)],
        [
          'p99 of another service without · with changes, ms',
          `${percentile(quietMs, 0.99).toFixed(2)} · ${percentile(busyMs, 0.99).toFixed(2)} (${slowdown.toFixed(2)} ×)`,
        ],
      ],
    ),
  )
  const holds = routedP99Ms <= maxRoutedMs && slowdown <= maxSlowdown
  if (!holds) console.log(`missed: routed within ${maxRoutedMs} ms, and a p99 of at most ${maxSlowdown} ×`)
  process.exitCode = holds ? 0 : 1

  async function churn(): Promise<[number[], number, number, number[]]> {
    const [beganMs, beganTicks] = [performance.now(), controlTicks(gateway.pid)]
    const endMs = beganMs + seconds * 1000
    let pairs = 0
    const changing = Array.from({ length: lanes }, async () => {
      while (performance.now() < endMs) {
        const i = pairs++
        const dueMs = beganMs + (i * 2000) / Number(values.rate)
        if (dueMs > performance.now()) await after(dueMs - performance.now())
        await feed.add(names[(i * 7919) % names.length] ?? '', `extra-${i}`, 30_000 + (i % 10_000))
        await feed.remove(`extra-${i}`)
      }
    })
    const routed = moves(endMs)
    const busy = await latencies(edgePort, Promise.all(changing))
    const usedMs = ((controlTicks(gateway.pid) - beganTicks) * readMicrosPerTick()) / 1000
    return [busy, pairs * 2, (usedMs / (performance.now() - beganMs)) * 100, await routed]
  }

  /** Replaces the one instance of a service by another, to and fro, and asks until that answers. */
  async function moves(endMs: number): Promise<number[]> {
    const delaysMs: number[] = []
    for (let target = other; performance.now() < endMs; target = target === other ? one : other) {
      if (target === undefined) break
      await feed.add('moving', target.id, target.port)
      await feed.remove((target === other ? one : other)?.id ?? '')
      const movedMs = performance.now()
      while ((await client.get('/moving')).instance !== target.id);
      delaysMs.push(performance.now() - movedMs)
    }
    return delaysMs
  }
} finally {
  for (const close of closers.toReversed()) await close()
}

/** Of requests to a service that does not change, four at a time. */
async function latencies(port: number, until: Promise<unknown>): Promise<number[]> {
  const client = new HttpClient(port, { connections: 4 })
  const took: number[] = []
  const over = new AbortController()
  const isDone = until.then(() => over.abort())
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) {
        const sentMs = performance.now()
        const { status } = await client.get('/calm')
        if (status !== 200) throw new Error(`the calm service answered ${status}`)
        took.push(performance.now() - sentMs)
      }
    }),
  )
  await isDone
  client.close()
  return took
}

/** CPU ticks of the process' first thread (proc_pid_task(5)). */
function controlTicks(pid: number): number {
  const { userTicks, systemTicks } = parseStat(readFileSync(`/proc/${pid}/task/${pid}/stat`, 'latin1'))
  return userTicks + systemTicks
}

async function inLanes(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (next < count) await task(next++)
    }),
  )
}
