import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createConfigFile, startGatewayProcess } from '../../test/support/gateway-process.ts'
import { table } from '../markdown-table.ts'
import { percentile } from './figures.ts'

/**
 * Three instances that do four requests at a time, 50 ms each, get three times what they can do: requests come at a constant rate,
 * whether or not answers do, and clients give up after 5 s. What is answered in good time, how long does it take, what does the
 * gateway keep?
 *
 * Then the other way round, without a configured limit: instances that do all of their requests at a time suddenly take ten times as
 * long. Nothing is overloaded, so nothing may be refused, and no fewer be answered.
 *
 * npm run bench:overload -- [--seconds 60] [--only 'default configuration']
 */
const [instanceCount, atATime, serviceMs] = [3, 4, 50]
const capacity = (instanceCount * atATime * 1000) / serviceMs
/** Later than this an answer is nobody's gain. */
const goodMs = 1000
const patienceMs = 5000
/** In which a limit is found, and what waited until then is worked off. */
const convergenceMs = 3000
/** Unanswered ones beyond it fail here: this process has so many descriptors and no more. */
const maxUnanswered = 5000

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '20' }, only: { type: 'string' } } })
const seconds = Number(values.seconds)
const normalSeconds = Math.max(5, seconds / 4)

const setups: Readonly<Record<string, object>> = {
  'limits of the instances': { maxRequestsPerEndpoint: atATime },
  'the same, nobody waits': { maxRequestsPerEndpoint: atATime, maxPending: 0 },
  'limit of the service': { maxRequests: instanceCount * atATime, balancer: 'least-request' },
  'found out': { maxRequests: 'auto' },
  'default configuration': {},
}

interface Outcome {
  readonly okMs: number[]
  /** Of each of them, when it was due, from the start on. */
  readonly okAtMs: number[]
  readonly refusedMs: number[]
  /** Other answers, and none. */
  failed: number
  unanswered: number
}

const rows: string[][] = []
for (const [name, service] of Object.entries(setups)) {
  if (values.only !== undefined && values.only !== name) continue
  rows.push(await measure(name, service))
  console.error(`${name}: done`)
}
console.log(
  `${instanceCount} instances, ${atATime} requests at a time of ${serviceMs} ms: ${capacity} requests/s; ${seconds} s of ${3 * capacity} requests/s`,
)
console.log(
  `normal: half of what the instances can do; peak: what came of as many clients as they serve at a time; good: 200 within ${goodMs} ms`,
)
const head = [
  'configuration',
  'peak/s',
  '200/s',
  'good/s',
  '% of peak',
  'normal p99',
  'p50',
  'p99',
  '× normal',
  'p99 later',
  '× normal',
]
console.log(table([...head, '503/s', '503 p99', 'failed/s', 'gateway MiB'], rows))
console.log(`later: of requests that were due after the first ${convergenceMs / 1000} s`)
await becomeSlow()

/** A process of a gateway in front of instances. */
async function start(service: object, slots: number) {
  const { child, ports } = await startInstances(slots)
  const instances = ports.map((port) => `127.0.0.1:${port}`)
  const config = {
    listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
    admin: { address: '127.0.0.1:0' },
    workers: 2,
    log: { access: false },
    stateDir: null,
    discovery: { fixed: { type: 'static', services: { api: instances } } },
    services: { api: service },
    routes: [{ path: '/', service: 'api' }],
  }
  const file = await createConfigFile(JSON.stringify(config))
  const gateway = startGatewayProcess(file.path)
  const { listeners, admin } = await gateway.listening()
  return {
    gateway,
    instances: child,
    port: listeners[0]?.port ?? 0,
    admin: admin?.port ?? 0,
    stop: async (): Promise<void> => {
      await gateway.kill()
      child.kill('SIGKILL')
      await file.remove()
    },
  }
}

async function measure(name: string, service: object): Promise<string[]> {
  const { gateway, port, admin, stop } = await start(service, atATime)
  try {
    await offer(port, capacity / 2, 2)
    const normal = await offer(port, capacity / 2, normalSeconds)
    const peak = await closedLoop(port, instanceCount * atATime, normalSeconds)
    let peakKib = 0
    const watch = setInterval(() => (peakKib = Math.max(peakKib, residentKib(gateway.pid))), 200)
    const over = await offer(port, 3 * capacity, seconds)
    clearInterval(watch)
    console.error(await searchOf(admin))
    const good = over.okMs.filter((ms) => ms <= goodMs).length / seconds
    const [normalP99, p99] = [percentile(normal.okMs, 0.99), percentile(over.okMs, 0.99)]
    const later = over.okMs.filter((_, i) => (over.okAtMs[i] ?? 0) >= convergenceMs)
    const laterP99 = percentile(later, 0.99)
    return [
      name,
      peak.toFixed(0),
      (over.okMs.length / seconds).toFixed(0),
      good.toFixed(0),
      ((100 * good) / peak).toFixed(0),
      normalP99.toFixed(0),
      percentile(over.okMs, 0.5).toFixed(0),
      p99.toFixed(0),
      (p99 / normalP99).toFixed(1),
      laterP99.toFixed(0),
      (laterP99 / normalP99).toFixed(1),
      (over.refusedMs.length / seconds).toFixed(0),
      percentile(over.refusedMs, 0.99).toFixed(1),
      (over.failed / seconds).toFixed(0),
      (peakKib / 1024).toFixed(0),
    ]
  } finally {
    await stop()
  }
}

/** Instances that do all at a time take ten times as long. */
async function becomeSlow(): Promise<void> {
  const { instances, port, stop } = await start({}, 1_000_000)
  try {
    await offer(port, capacity, 2)
    const before = await offer(port, capacity, normalSeconds)
    instances.kill('SIGUSR2')
    const slow = await offer(port, capacity, seconds)
    const columns = ({ okMs, refusedMs, failed }: Outcome, forSeconds: number): string[] => [
      (okMs.length / forSeconds).toFixed(0),
      percentile(okMs, 0.5).toFixed(0),
      percentile(okMs, 0.99).toFixed(0),
      Math.max(...okMs).toFixed(0),
      String(refusedMs.length),
      String(failed),
    ]
    console.log(`${instanceCount} instances that do all at a time, default configuration: ${capacity} requests/s`)
    console.log(
      table(
        ['what they take', '200/s', 'p50', 'p99', 'longest', '503', 'failed'],
        [
          [`${serviceMs} ms`, ...columns(before, normalSeconds)],
          [`${serviceMs * 10} ms, suddenly`, ...columns(slow, seconds)],
        ],
      ),
    )
  } finally {
    await stop()
  }
}

async function startInstances(slots: number): Promise<{ child: ChildProcess; ports: number[] }> {
  const script = fileURLToPath(new URL('./limited-instances.ts', import.meta.url))
  const child = spawn(process.execPath, [script, ...[instanceCount, slots, serviceMs].map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, ports: JSON.parse(line) as number[] }
}

/** Requests at a constant rate, on as many connections as it takes. */
async function offer(port: number, rate: number, forSeconds: number): Promise<Outcome> {
  const agent = new Agent({ keepAlive: true, scheduling: 'lifo' })
  const outcome: Outcome = { okMs: [], okAtMs: [], refusedMs: [], failed: 0, unanswered: 0 }
  const asked: Promise<void>[] = []
  const startedMs = performance.now()
  const total = Math.floor(rate * forSeconds)
  while (asked.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - startedMs) * rate) / 1000))
    // From when each was due: a late start of ours counts as a wait.
    while (asked.length < due)
      asked.push(ask(port, agent, startedMs + (asked.length * 1000) / rate, outcome, startedMs))
    await after(1)
  }
  await Promise.all(asked)
  agent.destroy()
  return outcome
}

/** @returns answers a second */
async function closedLoop(port: number, clients: number, forSeconds: number): Promise<number> {
  const agent = new Agent({ keepAlive: true })
  const outcome: Outcome = { okMs: [], okAtMs: [], refusedMs: [], failed: 0, unanswered: 0 }
  const startedMs = performance.now()
  const untilMs = startedMs + forSeconds * 1000
  const loop = async (): Promise<void> => {
    while (performance.now() < untilMs) await ask(port, agent, performance.now(), outcome)
  }
  await Promise.all(Array.from({ length: clients }, loop))
  agent.destroy()
  return (outcome.okMs.length * 1000) / (performance.now() - startedMs)
}

function ask(port: number, agent: Agent, dueMs: number, outcome: Outcome, startedMs = 0): Promise<void> {
  if (outcome.unanswered === maxUnanswered) {
    outcome.failed++
    return Promise.resolve()
  }
  outcome.unanswered++
  return new Promise<void>((resolve) => {
    const fails = (): void => {
      outcome.failed++
      resolve()
    }
    const outgoing = request({ port, host: '127.0.0.1', agent }, (response) => {
      response.resume()
      response.once('error', fails)
      response.once('end', () => {
        const ms = performance.now() - dueMs
        if (response.statusCode === 200) {
          outcome.okMs.push(ms)
          outcome.okAtMs.push(dueMs - startedMs)
        } else if (response.headers['x-tidegate-error'] === 'overloaded') outcome.refusedMs.push(ms)
        else outcome.failed++
        resolve()
      })
    })
    const gaveUp = setTimeout(() => outgoing.destroy(new Error('took too long')), patienceMs)
    outgoing.once('close', () => clearTimeout(gaveUp))
    outgoing.once('error', fails)
    outgoing.end()
  }).finally(() => {
    outcome.unanswered--
  })
}

/** What the gateway found out about the limit of the service. */
async function searchOf(admin: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${admin}/api/v1/services/api`)
  return JSON.stringify(((await answer.json()) as { load: unknown }).load)
}

function residentKib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])
}
