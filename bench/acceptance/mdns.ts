import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Answer, encode } from 'dns-packet'
import { createConfigFile, startGatewayProcess } from '../../test/support/gateway-process.ts'
import { type Instance, startInstances } from '../../test/support/instance.ts'
import { Announcer, type Style } from '../../test/support/mdns-announcer.ts'
import { Traffic } from '../../test/support/traffic.ts'
import { table } from '../markdown-table.ts'
import { milliseconds, percentile } from './figures.ts'

/**
 * How long after an announcement by mDNS the gateway's requests reach the instance, and after its goodbye they end, under traffic, on
 * the loopback interface; and what 1,000 messages of strangers a second cost it.
 *
 * node bench/acceptance/mdns.ts [--changes 200] [--seconds 20]
 */
const boundMs = 1000
const boundCpuPercent = 5
const messagesPerSecond = 1000
/** No request for that long: there will be none. */
const quietMs = 250
const mdnsPort = 5353
const group = '224.0.0.251'

const { values } = parseArgs({
  options: { changes: { type: 'string', default: '200' }, seconds: { type: 'string', default: '20' } },
})
const changes = Number(values.changes)
const floodSeconds = Number(values.seconds)
const closers: (() => Promise<void> | void)[] = []
const missed: string[] = []

try {
  const rows = [await measureChanges('dns-sd'), await measureChanges('go-micro')]
  console.log(`${changes} changes each; ms from the message to the first request there, or the last`)
  console.log(table(['change', 'p50', 'p99', 'max'], rows.flat()))
  const floods = [await measureFlood('of another service'), await measureFlood('of the watched service, all new')]
  console.log(`${messagesPerSecond} messages a second for ${floodSeconds} s, no traffic`)
  console.log(table(['messages', 'CPU before, % of a core', 'during', 'RSS grew, MiB'], floods))
  for (const miss of missed) console.log(`missed: ${miss}`)
  process.exitCode = missed.length === 0 ? 0 : 1
} finally {
  for (const close of closers.toReversed()) await close()
}

async function startGateway(style: Style, service: string) {
  const config = {
    listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
    admin: { address: '127.0.0.1:0' },
    workers: 2,
    log: { access: false },
    stateDir: null,
    discovery: { lan: { type: 'mdns', domain: style === 'dns-sd' ? 'local.' : 'micro.', interfaces: ['127.0.0.1'] } },
    services: { web: { name: service } },
    routes: [{ path: '/', service: 'web' }],
  }
  const file = await createConfigFile(JSON.stringify(config))
  const gateway = startGatewayProcess(file.path)
  const close = async () => {
    await gateway.kill()
    await file.remove()
  }
  closers.push(close)
  const { listeners } = await gateway.listening()
  return { pid: gateway.pid, port: listeners[0]?.port ?? 0, close }
}

async function measureChanges(style: Style): Promise<string[][]> {
  const service = style === 'dns-sd' ? '_bench._tcp' : 'bench.changes'
  const instances = await startInstances(service, 2)
  const [stays, subject] = instances as [Instance, Instance]
  const announcer = await Announcer.start(style, mdnsPort)
  closers.push(async () => announcer.close(), ...instances.map((instance) => async () => instance.close()))
  const gateway = await startGateway(style, service)
  const announce = async ({ id, port }: Instance) => announcer.announce({ service, id, port, host: '127.0.0.1' })
  await announce(stays)
  await after(2000)
  const traffic = new Traffic(gateway.port, '/', 3)
  await stays.received(stays.requests + 1)
  const appears: number[] = []
  const leaves: number[] = []
  for (let change = 0; change < changes; change++) {
    const announcedMs = performance.now()
    await announce(subject)
    while (subject.latestMs < announcedMs) await subject.received(subject.requests + 1)
    appears.push(subject.latestMs - announcedMs)
    const goneMs = performance.now()
    await announcer.goodbye(service, subject.id)
    do await after(quietMs)
    while (performance.now() - subject.latestMs < quietMs)
    leaves.push(subject.latestMs - goneMs)
  }
  const { failed } = await traffic.stop()
  if (failed.length > 0) missed.push(`${failed.length} requests failed, the first: ${failed[0]}`)
  await gateway.close()
  await announcer.close()
  if (!(percentile(appears, 0.99) <= boundMs)) missed.push(`${style}: announced takes more than ${boundMs} ms`)
  return [
    [`${style}: announced`, ...milliseconds(appears)],
    [`${style}: goodbye (holds on for 0.9 s)`, ...milliseconds(leaves)],
  ]
}

async function measureFlood(kind: string): Promise<string[]> {
  const watched = '_watched._tcp.local'
  const gateway = await startGateway('dns-sd', '_watched._tcp')
  await after(3000)
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.bind(mdnsPort)
  await once(socket, 'listening')
  socket.setMulticastInterface('127.0.0.1')
  const before = cpuSeconds(gateway.pid)
  const rssBefore = rssMiB(gateway.pid)
  await after(floodSeconds * 1000)
  const start = cpuSeconds(gateway.pid)
  const startMs = performance.now()
  for (let sent = 0; performance.now() - startMs < floodSeconds * 1000;) {
    while (sent < ((performance.now() - startMs) / 1000) * messagesPerSecond) {
      socket.send(message(kind === 'of another service' ? '_other._tcp.local' : watched, sent++), mdnsPort, group)
    }
    await after(5)
  }
  const end = cpuSeconds(gateway.pid)
  const [idle, busy] = [(start - before) / floodSeconds, (end - start) / floodSeconds].map((share) => share * 100) as [
    number,
    number,
  ]
  const grown = rssMiB(gateway.pid) - rssBefore
  socket.close()
  await gateway.close()
  if (busy - idle > boundCpuPercent) missed.push(`messages ${kind} cost more than ${boundCpuPercent} % of a core`)
  return [kind, idle.toFixed(1), busy.toFixed(1), grown.toFixed(0)]
}

function message(service: string, number: number): Buffer {
  const name = `flood-${number}.${service}`
  const answers: Answer[] = [
    { type: 'PTR', name: service, ttl: 4500, data: name },
    { type: 'SRV', name, ttl: 120, flush: true, data: { port: 80, target: 'flood.local', weight: 0, priority: 0 } },
    { type: 'TXT', name, ttl: 4500, flush: true, data: [`version=${number}`, 'zone=a'] },
    { type: 'A', name: 'flood.local', ttl: 120, flush: true, data: '127.0.0.1' },
  ]
  return encode({ type: 'response', answers })
}

/** User and system, of all threads (proc(5)). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function rssMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024
}
