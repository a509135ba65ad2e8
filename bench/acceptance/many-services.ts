import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { HttpClient } from '../../test/support/http-client.ts'
import { startInstances } from '../../test/support/instance.ts'
import { register, setCheck } from '../../test/support/registration.ts'
import { Traffic } from '../../test/support/traffic.ts'
import { readMicrosPerTick, usageOf } from '../macro/procfs.ts'
import { table } from '../markdown-table.ts'
import { percentile } from './figures.ts'
import { Stage } from './stage.ts'

/**
 * What many routed services cost a gateway at rest, and how fast a change in one of them is routed.
 *
 * node bench/acceptance/many-services.ts [--services 200] [--changes 50] [--seconds 20] [--tags]
 *
 * --tags: the routes are tags of the services, and no line of the configuration.
 */
const boundMs = 100
/** An agent resets a client's 201st connection. */
const maxAgentConnections = 200
const mebibyte = 1024 ** 2

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '200' },
    changes: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '20' },
    tags: { type: 'boolean', default: false },
  },
})
const services = Array.from({ length: Number(values.services) }, (_, i) => `service-${i + 1}`)
const seconds = Number(values.seconds)

const declared = values.tags ? [] : services.map((service) => ({ path: `/${service}`, service }))
const stage = await Stage.start(declared, values.tags ? { routesFromTags: 'urlprefix-' } : {})
try {
  const { api, port } = stage.consul
  const { pid } = stage.gateway
  const instances = await startInstances('instance', services.length)
  for (const instance of instances) stage.onClose(async () => instance.close())
  const startedMs = performance.now()
  for (const [i, service] of services.entries()) {
    const instance = instances[i]
    if (instance === undefined) continue
    await register(api, { service, instance, checks: ['ttl'], ...(values.tags && { tags: [`urlprefix-/${service}`] }) })
    await setCheck(api, instance, 'pass')
  }
  const client = new HttpClient(stage.edgePort)
  stage.onClose(() => client.close())
  for (const service of services) while ((await client.get(`/${service}`)).status !== 200);
  const routedMs = performance.now() - startedMs
  await after(2000)

  const microsPerTick = readMicrosPerTick()
  const before = usageOf(pid, microsPerTick)
  await after(seconds * 1000)
  const { userMicros, systemMicros, residentBytes } = usageOf(pid, microsPerTick)
  const usedMicros = userMicros + systemMicros - before.userMicros - before.systemMicros
  const cpuPercent = usedMicros / (seconds * 10_000)
  const connections = connectionsTo(port, pid)
  const residentMiB = residentBytes / mebibyte

  const delays = { passes: [] as number[], fails: [] as number[] }
  const subject = instances.at(-1)
  if (subject === undefined) throw new RangeError('needs a service')
  const path = `/${services.at(-1)}`
  for (let i = 0; i < Number(values.changes); i++) {
    const traffic = new Traffic(stage.edgePort, path, 2)
    await traffic.more(10)
    await setCheck(api, subject, 'fail')
    const failedMs = performance.now()
    await after(boundMs * 3)
    delays.fails.push(Math.max(0, subject.latestMs - failedMs))
    await setCheck(api, subject, 'pass')
    const passedMs = performance.now()
    while (subject.latestMs < passedMs) await subject.received(subject.requests + 1)
    delays.passes.push(subject.latestMs - passedMs)
    await traffic.stop()
  }

  const passesMs = percentile(delays.passes, 0.99)
  const failsMs = percentile(delays.fails, 0.99)
  console.log(
    table(
      ['figure', 'value'],
      [
        ['routed services', String(services.length)],
        ['all registered and routed, s', (routedMs / 1000).toFixed(1)],
        ['connections to the agent', String(connections)],
        ['CPU at rest, % of one core', cpuPercent.toFixed(2)],
        ['resident memory, MiB', residentMiB.toFixed(0)],
        ['change to passing routed, p99 ms', passesMs.toFixed(1)],
        ['change to critical followed, p99 ms', failsMs.toFixed(1)],
      ],
    ),
  )
  const isFast = passesMs <= boundMs && failsMs <= boundMs
  const holds = connections > 0 && connections < maxAgentConnections && isFast
  if (!holds)
    console.log(`missed: fewer than ${maxAgentConnections} connections, and changes routed within ${boundMs} ms`)
  process.exitCode = holds ? 0 : 1
} finally {
  await stage.close()
}

/** Established TCP connections of that process to a local port (proc_net_tcp(5), proc_pid_fd(5)). */
function connectionsTo(port: number, pid: number): number {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const inodes = new Set<string>()
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)) {
    const [, , remoteAddress = '', state, , , , , , inode = ''] = line.trim().split(/\s+/)
    if (remoteAddress.endsWith(remote) && state === '01') inodes.add(`socket:[${inode}]`)
  }
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))
  return open.filter((link) => inodes.has(link)).length
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
