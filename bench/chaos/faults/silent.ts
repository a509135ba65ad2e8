import { setTimeout as delay } from 'node:timers/promises'
import { type Fault, fault, type Strike } from '../fault.ts'
import { allOf, failedOnlyAs, noneAfterEjection, noneLost } from '../judge.ts'

/** Longer than the 15 s after which the gateway gives up on a response head, and not as long as an ejection lasts. */
const pace = { seconds: 25, times: 1 }
const holds = 'none beyond the head-timeout of those in flight; ejected after'
const judge = allOf(failedOnlyAs('504'), noneAfterEjection, noneLost)

export const stopped: Fault = fault({
  name: 'stopped',
  does: 'one instance stopped (SIGSTOP)',
  holds,
  pace,
  isCommon: true,
  async strike({ world, seconds, blow }: Strike) {
    const [victim] = world.instances
    blow()
    victim.freeze()
    await Promise.all([delay(seconds * 1000), world.ejected()])
    victim.thaw()
    return {}
  },
  judge,
})

export const halfOpen: Fault = fault({
  name: 'half-open',
  does: 'one instance accepts and never answers',
  holds,
  pace,
  async strike({ world, seconds, blow }: Strike) {
    const [victim] = world.instances
    blow()
    await victim.become('half-open')
    await Promise.all([delay(seconds * 1000), world.ejected()])
    await victim.become('ok')
    return {}
  },
  judge,
})
