import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { readMicrosPerTick, usageOf } from '../../macro/procfs.ts'
import { type Fault, fault } from '../fault.ts'
import { allOf, failedOnlyAs, missed, noneEjected, noneLost, recovered } from '../judge.ts'

const maxOpenFiles = 220
const floodConnections = 600
const microsPerSecond = 1_000_000

/** Clients that only connect take every descriptor that the gateway may have. */
export const openFiles: Fault = fault({
  name: 'open-files',
  does: `the gateway may open ${maxOpenFiles} files, and ${floodConnections} connections come`,
  holds: 'alive, no ejection, no answer lost, no busy loop; recovers',
  setting: { latencyMs: 5, maxOpenFiles },
  async strike({ world, seconds, blow }) {
    const microsPerTick = readMicrosPerTick()
    const before = usageOf(world.pid, microsPerTick)
    blow()
    const flood = Array.from({ length: floodConnections }, () =>
      connect(world.setting.port, '127.0.0.1').on('error', () => {}),
    )
    await delay(seconds * 1000)
    const after = usageOf(world.pid, microsPerTick)
    for (const socket of flood) socket.destroy()
    blow()
    const micros = after.userMicros + after.systemMicros - before.userMicros - before.systemMicros
    return { cpuPercent: Math.round((100 * micros) / (seconds * microsPerSecond)) }
  },
  judge: allOf(
    failedOnlyAs('503 local-exhaustion'),
    noneLost,
    noneEjected,
    recovered,
    ({ facts: { cpuPercent = 0 } }) => missed(cpuPercent >= 100, `it used ${cpuPercent} % of a core`),
  ),
})
