import { setTimeout as delay } from 'node:timers/promises'
import { type Fault, fault } from '../fault.ts'
import { allOf, noneEjected, noneFailed } from '../judge.ts'
import { controlStillMs } from '../in-front.ts'

const stallMs = 200
const longStallMs = 4000
/** Shorter than the long stall: whoever took that for silence of the instances would give up on all it waits for. */
const serviceKeys = { headTimeout: '500ms', healthCheck: { path: '/health', interval: '1s', timeout: '500ms' } }

/** All threads at once, as when the machine is starved: SIGSTOP, SIGCONT. */
export const stalled: Fault = fault({
  name: 'stalled',
  does: `the gateway stands still for ${stallMs} ms, again and again, and once for longer than its deadlines`,
  holds: '0 failed, 0 ejections',
  setting: { latencyMs: 50, serviceKeys },
  pace: { seconds: 10, times: 10 },
  async strike({ world, seconds, times, blow }) {
    const pauseMs = (seconds * 1000) / times
    for (let i = 0; i <= times; i++) {
      blow()
      world.signal('SIGSTOP')
      await delay(i === times ? longStallMs : stallMs)
      world.signal('SIGCONT')
      await delay(pauseMs)
    }
    return {}
  },
  judge: allOf(noneFailed, noneEjected),
})

export const stalledControl: Fault = fault({
  name: 'stalled-control',
  does: `the control plane stands still for ${controlStillMs} ms, while the data threads do not`,
  holds: '0 failed, 0 ejections; it follows the registry again',
  setting: { latencyMs: 5, serviceKeys },
  pace: { seconds: 0, times: 3 },
  async strike({ world, times, blow }) {
    for (let i = 0; i < times; i++) {
      blow()
      world.signal('SIGPWR')
      // Answered only when it goes on.
      await world.follows()
    }
    return {}
  },
  judge: allOf(noneFailed, noneEjected),
})
