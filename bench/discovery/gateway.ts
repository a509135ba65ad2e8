import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readDockerfile } from '../../test/support/dockerfile.ts'
import { createConfigFile, startGatewayWith } from '../../test/support/gateway-process.ts'
import { HttpClient } from '../../test/support/http-client.ts'
import { percentile } from '../acceptance/figures.ts'
import { parseResidentBytes, parseStat, readMicrosPerTick } from '../macro/procfs.ts'
import { table } from '../markdown-table.ts'
import { setApart } from './apart.ts'
import type { ClientTask } from './client.ts'
import { openFeed } from './feed.ts'
import type { ChurnTask, FillTask } from './feeder.ts'
import type { HeapReport } from './heap-probe.ts'
import { registries } from './registry.ts'
import { SideProcess } from './side-process.ts'

/**
 * A whole gateway on a registry with many services that change all the time: how soon a change is routed, what the control thread
 * costs, and what the clients of a service that does not change notice.
 *
 * Rounds of two turns: the changes are made in another registry of the same kind, which the gateway does not know, then in its own.
 * So what differs between the turns is the gateway's work alone, not that of those who make the changes on the same machine, whose
 * registries have the same size. A p99 of five thousand requests varies by a third from turn to turn: it takes several rounds.
 *
 * npm run bench:discovery:gateway -- [--registry etcd|embedded|embedded-tls|consul-h2] [--services 10000] [--instances 100000]
 *   [--rate 1000] [--seconds 10] [--rounds 9] [--requests 500] [--workers 1] [--per-call 1] [--apart]
 *
 * --per-call: so many changes in one transaction. On two cores an etcd that takes a thousand calls a second is what all others wait for.
 * --apart: the way of a request has a CPU of its own, as with more than two it would; all that happens beside it shares another.
 * It runs with the options that our image gives to Node.
 */
const maxRoutedMs = 250
const maxSlowdown = 1.3
const maxControlMiB = 600
const mebibyte = 1024 ** 2
const moveEveryMs = 200
const askEveryMs = 2

const { values } = parseArgs({
  options: {
    registry: { type: 'string', default: 'etcd' },
    services: { type: 'string', default: '10000' },
    instances: { type: 'string', default: '100000' },
    rate: { type: 'string', default: '1000' },
    'per-call': { type: 'string', default: '1' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '9' },
    requests: { type: 'string', default: '500' },
    workers: { type: 'string', default: '1' },
    apart: { type: 'boolean', default: false },
  },
})
const startRegistry = Object.hasOwn(registries, values.registry) ? registries[values.registry] : undefined
if (startRegistry === undefined) throw new RangeError(`--registry is one of ${Object.keys(registries).join(', ')}`)
const services = Number(values.services)
const perService = Math.round(Number(values.instances) / services)
const rate = Number(values.rate)
const perCall = Number(values['per-call'])
const seconds = Number(values.seconds)
const microsPerTick = readMicrosPerTick()
const beganMs = performance.now()

const closers: (() => Promise<void> | void)[] = []
try {
  const [own, other] = [await startRegistry(), await startRegistry()]
  closers.push(async () => void (await Promise.all([own.close(), other.close()])))
  const side = (file: string) => {
    const started = new SideProcess(new URL(file, import.meta.url))
    closers.push(() => started.kill())
    return started
  }
  const [feeder, clients, origin] = [side('feeder.ts'), side('client.ts'), side('origin.ts')]
  await feeder.run('fill', { target: other.target, services, perService } satisfies FillTask)
  await feeder.run('fill', { target: own.target, services, perService } satisfies FillTask)
  say(`${services * perService} instances registered`)

  const [calm, one, two] = await origin.run<{ id: string; port: number }[]>('start', { count: 3 })
  if (calm === undefined || one === undefined || two === undefined) throw new RangeError('three instances')
  const feed = openFeed(own.target, 1)
  closers.push(() => feed.close())
  await feed.put({ service: 'calm', id: calm.id, port: calm.port })
  await feed.put({ service: 'moving', id: one.id, port: one.port })

  const names = Array.from({ length: services }, (_, i) => `service-${i}`)
  const file = await createConfigFile(
    JSON.stringify({
      listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
      admin: { address: '127.0.0.1:0' },
      workers: Number(values.workers),
      stateDir: null,
      log: { access: false },
      discovery: { registry: own.source },
      routes: ['calm', 'moving', ...names].map((service) => ({ path: `/${service}`, service })),
    }),
  )
  closers.push(async () => file.remove())
  const reports = mkdtempSync(join(tmpdir(), 'tidegate-bench-heap-'))
  closers.push(() => rmSync(reports, { recursive: true }))
  const heapFile = join(reports, 'heap.json')
  const probe = new URL('heap-probe.ts', import.meta.url).href
  const { nodeFlags } = readDockerfile('Dockerfile')
  const gateway = startGatewayWith([...nodeFlags, '--import', probe], file.path, { TIDEGATE_BENCH_HEAP: heapFile })
  closers.push(async () => gateway.kill())
  const startedMs = performance.now()
  const { listeners, admin } = await gateway.listening()
  const port = listeners[0]?.port ?? 0
  const adminClient = new HttpClient(admin.port)
  while ((await adminClient.get('/readyz')).status !== 200) await after(50)
  adminClient.close()
  const readyMs = performance.now() - startedMs
  say(`gateway ready after ${(readyMs / 1000).toFixed(1)} s`)
  const client = new HttpClient(port)
  closers.push(() => client.close())
  if (values.apart) setApart({ gateway: gateway.pid, way: [clients.pid, origin.pid] })
  await after(3000)

  let [from, to] = [one, two]
  const routedMs: number[] = []
  const [atRest, elsewhere, here]: Turn[][] = [[], [], []]
  if (atRest === undefined || elsewhere === undefined || here === undefined)
    throw new RangeError('three kinds of turns')
  atRest.push(await turn(null))
  // What the gateway compiles for the first changes, and collects of its start, is no part of what changes cost.
  await turn(own.target)
  for (let round = 0; round < Number(values.rounds); round++) {
    elsewhere.push(await turn(other.target))
    const over = new AbortController()
    const moves = moving(over.signal)
    here.push(await turn(own.target))
    over.abort()
    routedMs.push(...(await moves))
    const [without, within] = [elsewhere.at(-1)?.p99Ms ?? NaN, here.at(-1)?.p99Ms ?? NaN]
    say(`round ${round + 1}: p99 ${without.toFixed(2)} ms without changes, ${within.toFixed(2)} ms with`)
  }

  const slowdown = median(here.map(({ p99Ms }, round) => p99Ms / (elsewhere[round]?.p99Ms ?? NaN)))
  const routedP99Ms = percentile(routedMs, 0.99)
  const { mostBytes } = JSON.parse(readFileSync(heapFile, 'utf8')) as HeapReport
  const controlMiB = mostBytes / mebibyte
  const residentMiB = parseResidentBytes(readFileSync(`/proc/${gateway.pid}/status`, 'latin1')) / mebibyte
  const each = (turns: readonly Turn[], figure: (turn: Turn) => number, digits: number) =>
    median(turns.map(figure)).toFixed(digits)
  const three = (figure: (turn: Turn) => number, digits: number) =>
    [atRest, elsewhere, here].map((turns) => each(turns, figure, digits)).join(' · ')
  console.log(
    table(
      ['figure', 'value'],
      [
        ['registry, services, instances', `${values.registry}, ${services}, ${services * perService}`],
        ['start to ready, s', (readyMs / 1000).toFixed(1)],
        [
          'changes per second elsewhere · here',
          [elsewhere, here].map((t) => each(t, ({ changes }) => changes, 0)).join(' · '),
        ],
        [
          'change to routed, from the call that makes it on, p50 · p99 · longest, ms',
          `${[0.5, 0.99, 1].map((share) => percentile(routedMs, share).toFixed(1)).join(' · ')} (${routedMs.length})`,
        ],
        ['heap of the control thread and what hangs on it, MiB', controlMiB.toFixed(0)],
        ['resident, all threads, MiB', residentMiB.toFixed(0)],
        ['at rest · changes elsewhere · here:', ''],
        ['control thread, CPU %', three(({ controlPercent }) => controlPercent, 1)],
        ['other threads, CPU %', three(({ othersPercent }) => othersPercent, 1)],
        [`requests to another service (${values.requests}/s), p50 ms`, three(({ p50Ms }) => p50Ms, 2)],
        ['the same, p99 ms', `${three(({ p99Ms }) => p99Ms, 2)} (${slowdown.toFixed(2)} ×, median of rounds)`],
      ],
    ),
  )
  const misses = [
    routedP99Ms <= maxRoutedMs ? null : `routed within ${maxRoutedMs} ms`,
    slowdown <= maxSlowdown ? null : `a p99 of at most ${maxSlowdown} ×`,
    controlMiB <= maxControlMiB ? null : `a control thread of at most ${maxControlMiB} MiB`,
  ].filter((miss) => miss !== null)
  for (const miss of misses) console.log(`missed: ${miss}`)
  process.exitCode = misses.length === 0 ? 0 : 1

  /** Requests to the service that does not change, while changes are made there; null for none. */
  async function turn(target: ChurnTask['target'] | null): Promise<Turn> {
    const [fromMs, before] = [performance.now(), ticksOf(gateway.pid)]
    const churn =
      target === null
        ? 0
        : feeder.run<number>('churn', { target, services, rate, perCall, seconds } satisfies ChurnTask)
    const task = { port, path: '/calm', rate: Number(values.requests), seconds } satisfies ClientTask
    const tookMs = [...(await clients.run<Float64Array>('send', task))]
    const made = await churn
    const tookPercent = (ticks: number) => (ticks * microsPerTick) / (performance.now() - fromMs) / 10
    const now = ticksOf(gateway.pid)
    return {
      changes: made / ((performance.now() - fromMs) / 1000),
      p50Ms: percentile(tookMs, 0.5),
      p99Ms: percentile(tookMs, 0.99),
      controlPercent: tookPercent(now.control - before.control),
      othersPercent: tookPercent(now.all - now.control - before.all + before.control),
    }
  }

  /** Gives the one instance of a service another one beside it, asks until that answers, and takes the first away: to and fro. */
  async function moving(signal: AbortSignal): Promise<number[]> {
    const delaysMs: number[] = []
    for (; !signal.aborted; [from, to] = [to, from]) {
      const calledMs = performance.now()
      await feed.put({ service: 'moving', id: to.id, port: to.port })
      while ((await client.get('/moving')).instance !== to.id) await after(askEveryMs)
      delaysMs.push(performance.now() - calledMs)
      await feed.remove({ service: 'moving', id: from.id, port: from.port })
      await after(moveEveryMs)
    }
    return delaysMs
  }
} finally {
  for (const close of closers.toReversed()) await close()
}

interface Turn {
  /** Per second. */
  readonly changes: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly controlPercent: number
  readonly othersPercent: number
}

/** CPU ticks of the process, and of its first thread (proc_pid_task(5)). */
function ticksOf(pid: number): { readonly control: number; readonly all: number } {
  const [control, all] = [`/proc/${pid}/task/${pid}/stat`, `/proc/${pid}/stat`].map((path) => {
    const { userTicks, systemTicks } = parseStat(readFileSync(path, 'latin1'))
    return userTicks + systemTicks
  })
  return { control: control ?? NaN, all: all ?? NaN }
}

function median(figures: readonly number[]): number {
  return percentile(figures, 0.5)
}

function say(what: string): void {
  console.error(`${((performance.now() - beganMs) / 1000).toFixed(0).padStart(4)} s  ${what}`)
}
