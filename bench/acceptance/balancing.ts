import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { balancers } from '../../src/balance/index.ts'
import { createConfigFile, startGatewayProcess } from '../../test/support/gateway-process.ts'
import { HttpClient } from '../../test/support/http-client.ts'
import { table } from '../markdown-table.ts'

/**
 * What each balancer does with one instance that is slow (ten times), that fails at once, or that is new: its share of the requests,
 * 1 = that of the others. Gateway and instances are processes; all balancers are measured at the same time, each before a service
 * of its own.
 *
 * node bench/acceptance/balancing.ts [--seconds 15] [--connections 32] [--latency 200]
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '15' },
    connections: { type: 'string', default: '32' },
    latency: { type: 'string', default: '200' },
  },
})
const seconds = Number(values.seconds)
const connections = Number(values.connections)
const names = Object.keys(balancers)
const known = 4
const keys = 1000
/** Of the time for a newcomer: its first and its last part. */
const edgeShare = 0.2

type Case = 'plain' | 'slow' | 'failing' | 'ejecting' | 'new' | 'starting'
const cases: readonly Case[] = ['plain', 'slow', 'failing', 'ejecting', 'new', 'starting']
/** What one instance had, by service. */
type Counts = Readonly<Record<string, number>>

const closers: (() => unknown)[] = []
try {
  const ports = await Promise.all(Array.from({ length: known + 1 }, async (_, index) => startInstance(index)))
  const first = ports.slice(0, known)
  const file = await createConfigFile(configOf({ new: first, starting: first }))
  closers.push(() => file.remove())
  const gateway = startGatewayProcess(file.path)
  closers.push(() => gateway.kill())
  const { listeners } = await gateway.listening()
  const edge = listeners[0]?.port ?? 0

  /** Requests of all balancers in one case, while `run` runs. @returns mean milliseconds by balancer */
  const underLoad = async (name: Case, run: () => Promise<void>): Promise<Map<string, number>> => {
    const stopping = new AbortController()
    const loads = names.map(
      async (balancer) => [balancer, await load(edge, `/${name}/${balancer}`, stopping.signal)] as const,
    )
    await run()
    stopping.abort()
    return new Map(await Promise.all(loads))
  }
  const countsNow = async () => Promise.all(ports.map(countsOf))
  const during = async (ms: number) => {
    const before = await countsNow()
    await after(ms)
    const now = await countsNow()
    return now.map((counts, i) => minus(counts, before[i] ?? {}))
  }

  // Everything is compiled and connected once before it counts.
  await underLoad('plain', async () => after(seconds * 300))
  let slow: Counts[] = []
  const slowMs = await underLoad('slow', async () => {
    slow = await during(seconds * 1000)
  })
  let failing: Counts[] = []
  await underLoad('failing', async () => {
    failing = await during(seconds * 1000)
  })
  let ejecting: Counts[] = []
  await underLoad('ejecting', async () => {
    ejecting = await during(seconds * 500)
  })
  const edgeMs = seconds * 1000 * edgeShare
  /** Adds the last instance to one case's services. @returns what all had in the first and in the last part of the time */
  const newcomer = async (name: 'new' | 'starting', lists: { new: number[]; starting: number[] }) => {
    const parts: Counts[][] = []
    await underLoad(name, async () => {
      await after(seconds * 300)
      await file.write(configOf(lists))
      gateway.signal('SIGHUP')
      await untilServed(
        ports[known] ?? 0,
        names.map((balancer) => `/${name}/${balancer}`),
      )
      parts.push(await during(edgeMs))
      await after(seconds * 1000 - 2 * edgeMs)
      parts.push(await during(edgeMs))
    })
    return parts
  }
  const fresh = await newcomer('new', { new: ports, starting: first })
  const started = await newcomer('starting', { new: ports, starting: ports })

  console.log(
    `${known} instances that answer after ${values.latency} ms, ${connections} connections, two data threads. ` +
      `Shares: 1 = as much as each of the others.`,
  )
  const [freshFirst = [], freshLast = []] = fresh
  const [startedFirst = [], startedLast = []] = started
  const rows = names.map((name) => [
    name,
    share(slow, `/slow/${name}`, 0),
    ((slowMs.get(name) ?? NaN) / (slowMs.get('round-robin') ?? NaN)).toFixed(2),
    share(failing, `/failing/${name}`, 0),
    String(ejecting[0]?.[`/ejecting/${name}`] ?? 0),
    `${share(freshFirst, `/new/${name}`, known)} → ${share(freshLast, `/new/${name}`, known)}`,
    `${share(startedFirst, `/starting/${name}`, known)} → ${share(startedLast, `/starting/${name}`, known)}`,
  ])
  const head = [
    'balancer',
    'one 10 × slower: its share',
    'mean time then, to round-robin',
    'one failing at once: its share',
    'the same, ejected: requests',
    `one new: share in the first and last fifth of ${seconds} s`,
    `the same, slowStart ${seconds}s`,
  ]
  console.log(table(head, rows))
} finally {
  for (const close of closers.toReversed()) await close()
}

async function startInstance(index: number): Promise<number> {
  const script = new URL('balancing-instance.ts', import.meta.url)
  const child: ChildProcess = fork(script, [String(index), values.latency])
  closers.push(() => child.kill())
  const [port] = (await once(child, 'message')) as [number]
  return port
}

function addresses(ports: readonly number[]): string[] {
  return ports.map((port) => `127.0.0.1:${port}`)
}

/** A service for each case and balancer. */
function configOf(lists: { readonly new: readonly number[]; readonly starting: readonly number[] }): string {
  const settings: Record<Case, object> = {
    plain: {},
    slow: {},
    failing: { outlier: { consecutiveFailures: 1_000_000 } },
    ejecting: {},
    new: { name: 'new' },
    starting: { name: 'starting', slowStart: `${seconds}s` },
  }
  const all = cases.flatMap((name) => names.map((balancer) => ({ name, balancer, service: `${name}-${balancer}` })))
  return JSON.stringify({
    listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
    admin: { address: '127.0.0.1:0' },
    workers: 2,
    log: { access: false },
    stateDir: null,
    discovery: {
      fixed: {
        type: 'static',
        services: {
          known: addresses(lists.new.slice(0, known)),
          new: addresses(lists.new),
          starting: addresses(lists.starting),
        },
      },
    },
    services: Object.fromEntries(
      all.map(({ name, balancer, service }) => [
        service,
        {
          name: 'known',
          balancer,
          ...(balancer === 'consistent-hash' && { hash: { on: 'header:x-key' } }),
          ...settings[name],
        },
      ]),
    ),
    routes: all.map(({ name, balancer, service }) => ({ path: `/${name}/${balancer}`, service })),
  })
}

/** Requests with changing keys, each when the one before is answered. @returns mean milliseconds */
async function load(port: number, path: string, stopping: AbortSignal): Promise<number> {
  const client = new HttpClient(port, { connections })
  let [requests, totalMs, key] = [0, 0, 0]
  const run = async () => {
    while (!stopping.aborted) {
      const startedMs = performance.now()
      // A step that has no divisor in common with their number: all keys, in no order.
      key = (key + 389) % keys
      await client.get(path, { 'x-key': `key-${key}` })
      totalMs += performance.now() - startedMs
      requests++
    }
  }
  await Promise.all(Array.from({ length: connections }, run))
  client.close()
  return totalMs / requests
}

async function countsOf(port: number): Promise<Counts> {
  const client = new HttpClient(port)
  const { body } = await client.get('/counts')
  client.close()
  return JSON.parse(body) as Counts
}

async function untilServed(port: number, paths: readonly string[]): Promise<void> {
  for (
    let counts = await countsOf(port);
    paths.every((path) => counts[path] === undefined);
    counts = await countsOf(port)
  )
    await after(5)
}

function minus(now: Counts, before: Counts): Counts {
  return Object.fromEntries(Object.entries(now).map(([path, count]) => [path, count - (before[path] ?? 0)]))
}

/** What one instance had, to the mean of the others. */
function share(counts: readonly Counts[], path: string, index: number): string {
  const all = counts.map((of) => of[path] ?? 0)
  const own = all[index] ?? 0
  const others = all.filter((_, i) => i !== index && (i < known || index === known))
  return (own / (others.reduce((sum, count) => sum + count, 0) / others.length)).toFixed(2)
}
