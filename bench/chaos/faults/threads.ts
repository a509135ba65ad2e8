import { type Fault, fault, type Strike } from '../fault.ts'
import { allOf, failedOncePerConnection, onlyInFlightOfThread } from '../judge.ts'
import { systemMs } from '../load/samples.ts'
import { until } from '../until.ts'

/** The gateway of a world ends or stops its first data thread by these; see `thread-faults.ts`. */
export const crashedThread: Fault = threadFault('crashed-thread', 'a data thread of the gateway throws', 'SIGURG')
export const stuckThread: Fault = threadFault('stuck-thread', 'a data thread of the gateway stands still', 'SIGWINCH')

function threadFault(name: string, does: string, signal: NodeJS.Signals): Fault {
  return fault({
    name,
    does,
    holds: 'only its own in-flight and accept queue; others 0',
    pace: { seconds: 1, times: 1 },
    strike: (strike) => strikeThread(strike, signal),
    judge: allOf(onlyInFlightOfThread, failedOncePerConnection(1)),
  })
}

async function strikeThread({ world, blow }: Strike, signal: NodeJS.Signals) {
  const { admin } = world
  if (admin === null) return {}
  const replaced = async () => (await admin.timeline()).filter(({ type }) => type === 'worker-replaced').length
  const before = await replaced()
  blow()
  const struckMs = systemMs()
  world.signal(signal)
  await until('a thread that was replaced', async () => (await replaced()) > before)
  return { replacedMs: systemMs(), replacedAfterMs: Math.round(systemMs() - struckMs) }
}
