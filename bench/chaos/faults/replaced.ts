import { type Fault, fault } from '../fault.ts'
import { noneFailed } from '../judge.ts'
import { familyOf } from '../../macro/procfs.ts'
import { until } from '../until.ts'

/** A new process takes the ports over; it is a child of the old one, and serves once that has ended. */
export const replaced: Fault = fault({
  name: 'replaced',
  does: 'the gateway is replaced by a new process (SIGUSR2); mixed methods',
  holds: '0 failed',
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  async strike({ world, times, blow }) {
    for (let i = 0; i < times; i++) {
      const old = world.pid
      blow()
      world.signal('SIGUSR2')
      await until('a successor', () => successorOf(old) !== undefined)
      world.succeed(successorOf(old) as number)
      await until('the old one to end', () => !isRunning(old))
      await world.eligible(world.instances.length)
    }
    return {}
  },
  judge: noneFailed,
})

function successorOf(pid: number): number | undefined {
  return familyOf(pid)[1]
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
