import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type Fault, fault } from '../fault.ts'
import type { GatewayAdmin } from '../gateway-admin.ts'
import { allOf, missed, noneEjected, noneFailed } from '../judge.ts'
import { systemMs } from '../load/samples.ts'
import { until } from '../until.ts'
import type { World } from '../world.ts'

const leaversPerSecond = 1000
const tickMs = 10
/** How they leave: in their head, in their body, while they wait. */
const beginnings = [
  'GET /leaver HTTP/1.1\r\nhost: cha',
  'PUT /leaver HTTP/1.1\r\nhost: chaos.test\r\ncontent-length: 100000\r\n\r\nand so',
  'GET /leaver HTTP/1.1\r\nhost: chaos.test\r\n\r\n',
]
/** What a pool may have opened besides, and the odd file. */
const spareFiles = 64

export const leavingClients: Fault = fault({
  name: 'leaving-clients',
  does: `${leaversPerSecond} clients a second leave in the middle of their request, every other with a reset`,
  holds: '0 failed of the others, 0 ejections; nothing is left of them',
  async strike({ world, seconds, blow }) {
    const { admin } = world
    if (admin === null) return {}
    const connections = () => admin.metric('tidegate_connections')
    const before = { connections: await connections(), files: openFiles(world) }
    const startedMs = systemMs()
    let left = 0
    blow()
    while (systemMs() - startedMs < seconds * 1000) {
      const due = Math.floor(((systemMs() - startedMs) * leaversPerSecond) / 1000)
      while (left < due) leave(world.setting.port, left++)
      await delay(tickMs)
    }
    await until('as many connections as before', async () => (await connections()) <= before.connections)
    await until('as many open files as before', () => openFiles(world) <= before.files + spareFiles)
    return { left }
  },
  judge: allOf(noneFailed, noneEjected, ({ facts: { left = 0 } }) => missed(left === 0, 'no client left')),
})

/** Sends the beginning of a request, and goes once it is out. */
function leave(port: number, index: number): void {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.write(beginnings[index % beginnings.length] as string, () => {
    if (index % 2 === 0) socket.resetAndDestroy()
    else socket.destroy()
  })
}

function openFiles({ pid }: World): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

const slowConnections = 200
const hugeBytes = 64 * 1024 ** 2
const ownHost = 'host: 127.0.0.1\r\n'
const abuses: readonly string[] = [
  `GET /metrics HTTP/1.1\r\n${ownHost}x-`,
  `POST /api/v1/reload HTTP/1.1\r\n${ownHost}content-length: ${hugeBytes}\r\n\r\n${'x'.repeat(65_536)}`,
  `GET /metrics HTTP/1.1\r\n${ownHost}\r\n`.repeat(20),
  'GET /api/v1/services HTTP/1.1\r\nhost: evil.example\r\n\r\n',
  '\u0016\u0003\u0001 this is no HTTP\r\n\r\n',
]

export const abusedAdmin: Fault = fault({
  name: 'abused-admin',
  does: `${slowConnections} connections to the admin API: heads that don’t end, huge bodies, /metrics without pause, other hosts`,
  holds: '0 failed; the admin API answers again when they are gone',
  async strike({ world, seconds, blow }) {
    const { admin } = world
    if (admin === null) return {}
    blow()
    const sockets = Array.from({ length: slowConnections }, (_, i) => {
      const socket = connect(world.setting.adminPort, '127.0.0.1').on('error', () => {})
      socket.write(abuses[i % abuses.length] as string)
      return socket
    })
    // More than it takes at a time: meanwhile it has no place for anybody else.
    await delay(seconds * 1000)
    for (const socket of sockets) socket.destroy()
    await until('an admin API that answers', () => isAnswering(admin))
    await world.follows()
    return {}
  },
  judge: allOf(noneFailed, noneEjected),
})

async function isAnswering(admin: GatewayAdmin): Promise<boolean> {
  return admin.timeline().then(
    () => true,
    () => false,
  )
}

/** Every value that a client may choose freely; of methods, one that instances on node:http know. */
function oddRequest(): string {
  const odd = randomBytes(8).toString('hex')
  return `PROPFIND /${odd}?${odd}=${odd} HTTP/1.1\r\nhost: ${odd}.test\r\nx-request-id: ${odd}\r\nuser-agent: ${odd}\r\n\r\n`
}

export const oddRequests: Fault = fault({
  name: 'odd-requests',
  does: 'requests of odd methods, and of random paths, hosts and fields',
  holds: '0 failed; as many series as before',
  async strike({ world, seconds, blow }) {
    const { admin } = world
    if (admin === null) return {}
    const socket = connect(world.setting.port, '127.0.0.1')
    const ask = async () => {
      socket.write(oddRequest())
      await once(socket, 'data')
    }
    const names = async () => (await admin.series()).map((line) => line.slice(0, line.lastIndexOf(' ')))
    // A method that is not known has a series, one for all of them.
    await ask()
    await until('the first of them to be counted', async () => (await admin.metric(counted, other)) > 0)
    const before = new Set(await names())
    const counts = await admin.metric(counted, other)
    const startedMs = systemMs()
    let asked = 0
    blow()
    while (systemMs() - startedMs < seconds * 1000) {
      await ask()
      asked++
    }
    socket.destroy()
    await until('all of them to be counted', async () => (await admin.metric(counted, other)) >= counts + asked)
    const appeared = (await names()).filter((name) => name.startsWith('tidegate_') && !before.has(name))
    return { asked, appeared: appeared.length }
  },
  judge: allOf(noneFailed, noneEjected, ({ facts: { asked = 0, appeared = 0 } }) => [
    ...missed(asked === 0, 'nothing was asked'),
    ...missed(appeared > 0, `${appeared} new series`),
  ]),
})

const counted = 'tidegate_requests_total'
const other = 'method="OTHER"'
