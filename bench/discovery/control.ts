import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setImmediate as turn, setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { serialize } from 'node:v8'
import { setHeapOptions } from '../../src/cli/heap-options.ts'
import type { ServiceEntry } from '../../src/control/control-config.ts'
import { systemControlClock } from '../../src/control/control-clock.ts'
import { ControlPlane } from '../../src/control/control-plane.ts'
import { Timeline } from '../../src/control/timeline.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { Ledger } from '../../src/core/ledger.ts'
import type { ControlMessage } from '../../src/core/message.ts'
import { createResolver } from '../../src/discovery/resolve.ts'
import { Outbox } from '../../src/workers/outbox.ts'
import { percentile } from '../acceptance/figures.ts'
import { table } from '../markdown-table.ts'
import { SyntheticRegistry } from './synthetic.ts'

/**
 * What the control thread costs with many services, without a registry and without sockets: a registry in memory changes, and data
 * threads that acknowledge at once stand in for real ones, at the cost of the clone that a message to them is.
 *
 * npm run bench:discovery -- [--services 10000] [--instances 100000] [--rate 1000] [--seconds 10] [--threads 2] [--state]
 */
const mebibyte = 1024 ** 2
const maxResidentMiB = 600
const maxRoutedMs = 250

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '10000' },
    instances: { type: 'string', default: '100000' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    threads: { type: 'string', default: '2' },
    state: { type: 'boolean', default: false },
  },
})
setHeapOptions()
const names = Array.from({ length: Number(values.services) }, (_, i) => `service-${i}`)
const perService = Number(values.instances) / names.length
const rate = Number(values.rate)
const seconds = Number(values.seconds)
const threads = Number(values.threads)

const { config } = await parseConfig(
  JSON.stringify({
    discovery: { memory: { type: 'static', services: {} } },
    routes: [{ path: '/', service: 'pattern' }],
  }),
  { file: 'bench.json', env: {} },
)
const [pattern] = config.services
const [route] = config.routes
if (pattern === undefined || route === undefined) throw new RangeError('the pattern has a service and a route')
const entries: ServiceEntry[] = names.map((key) => ({
  ...pattern,
  key,
  from: [{ source: 'memory', name: key, weightPercent: 100 }],
}))
const routes = names.map((service) => ({ ...route, id: `/${service}`, path: `/${service}`, service }))
const control = {
  discovery: [{ name: 'memory', type: 'static' }],
  services: entries,
  routes,
  listeners: [],
  log: { access: false },
}

const stateDir = values.state ? mkdtempSync(join(tmpdir(), 'tidegate-bench-state-')) : null
const baseMiB = process.memoryUsage().rss / mebibyte
const registry = new SyntheticRegistry(perService)
const resolver = createResolver({ random: Math.random, onUnresolved: () => {} })
const plane = new ControlPlane({
  ledger: Ledger.create(threads, performance.now()),
  clock: systemControlClock,
  random: Math.random,
  timeline: new Timeline({ clock: systemControlClock }),
  probe: () => Promise.resolve('accepted'),
  checkProbe: () => Promise.resolve({ verdict: 'passed', cause: '' }),
  stateDir,
  createDiscovery: () => registry,
  resolve: (answers, signal) => resolver.resolved(answers, signal),
  onProblem: ({ place, message }) => console.error(place, message),
})

/** When a service's change was made that no thread has seen yet. */
const changedAtMs = new Map<string, number>()
const routedMs: number[] = []
let messages = 0
let bytes = 0
let cloneMs = 0
for (let id = 0; id < threads; id++) {
  const outbox = new Outbox<ControlMessage>((gathered) => {
    const startedMs = performance.now()
    structuredClone(gathered)
    cloneMs += performance.now() - startedMs
    for (const message of gathered) take(id, message)
  })
  plane.publisher.addThread(id, (message: ControlMessage) => outbox.put(message))
}

function take(id: number, message: ControlMessage): void {
  if (message.type === 'config') setImmediate(() => plane.publisher.configAcknowledged(id, message.snapshot.version))
  if (message.type !== 'service') return
  const { service, version } = message.published
  bytes += serialize(message.published).length
  messages++
  const changedMs = changedAtMs.get(service)
  if (changedMs !== undefined) {
    changedAtMs.delete(service)
    routedMs.push(performance.now() - changedMs)
  }
  setImmediate(() => plane.publisher.acknowledged(id, service, version))
}

const startedMs = performance.now()
const snapshot = plane.apply(control)
const appliedMs = performance.now() - startedMs
while (!plane.readiness().ready) await turn()
const readyMs = performance.now() - startedMs
await after(3000)
const clone = timed(() => serialize(snapshot).length)
const reload = timed(() => plane.apply(control).version)
const scrape = timed(() => plane.stats().endpoints.length)

const [quietCpu, quietStall] = await observed(async () => after(5000))
messages = bytes = cloneMs = 0
const [busyCpu, busyStall] = await observed(async () => {
  const endMs = performance.now() + seconds * 1000
  const beganMs = performance.now()
  for (let made = 0; performance.now() < endMs;) {
    const due = ((performance.now() - beganMs) * rate) / 1000
    for (; made < due; made++) {
      const service = names[(made * 7919) % names.length] ?? ''
      if (!changedAtMs.has(service)) changedAtMs.set(service, performance.now())
      registry.change(service)
    }
    await after(1)
  }
})
const residentMiB = process.memoryUsage().rss / mebibyte
const routedP99Ms = percentile(routedMs, 0.99)
console.log(
  table(
    ['figure', 'value'],
    [
      ['services, instances', `${names.length}, ${values.instances}`],
      ['configuration applied, ms', appliedMs.toFixed(0)],
      ['all lists in force, ms', readyMs.toFixed(0)],
      ['configuration again (reload), ms', reload.toFixed(0)],
      ['clone of the configuration, per thread, ms', clone.toFixed(0)],
      ['figures for one scrape, ms', scrape.toFixed(0)],
      ['resident, MiB (before anything)', `${residentMiB.toFixed(0)} (${baseMiB.toFixed(0)})`],
      ['at rest: CPU % · longest stall, ms', `${quietCpu.toFixed(1)} · ${quietStall.toFixed(0)}`],
      [`${rate} changes/s: CPU % · longest stall, ms`, `${busyCpu.toFixed(1)} · ${busyStall.toFixed(0)}`],
      [
        'changes sent · p50 · p99 ms from change to thread',
        `${routedMs.length} · ${percentile(routedMs, 0.5).toFixed(1)} · ${routedP99Ms.toFixed(1)}`,
      ],
      ['a message: bytes · clone µs', `${(bytes / messages).toFixed(0)} · ${((cloneMs * 1000) / messages).toFixed(1)}`],
    ],
  ),
)
await plane.close()
if (stateDir !== null) rmSync(stateDir, { recursive: true })
if (residentMiB > maxResidentMiB) console.log(`missed: at most ${maxResidentMiB} MiB`)
if (!(routedP99Ms <= maxRoutedMs)) console.log(`missed: changes at a thread within ${maxRoutedMs} ms`)
process.exitCode = residentMiB <= maxResidentMiB && routedP99Ms <= maxRoutedMs ? 0 : 1

function timed(task: () => unknown): number {
  const beganMs = performance.now()
  task()
  return performance.now() - beganMs
}

/** CPU in percent of one core, and the longest time the event loop was held up, ms. */
async function observed(task: () => Promise<void>): Promise<[cpuPercent: number, stallMs: number]> {
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  const [beganMs, before] = [performance.now(), process.cpuUsage()]
  await task()
  const used = process.cpuUsage(before)
  delays.disable()
  return [(used.user + used.system) / (performance.now() - beganMs) / 10, delays.max / 1e6]
}
