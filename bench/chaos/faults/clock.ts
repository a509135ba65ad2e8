import { setTimeout as delay } from 'node:timers/promises'
import { type Fault, fault, type Strike } from '../fault.ts'
import { offsetsMs } from '../in-front.ts'
import { allOf, missed, noneFailed } from '../judge.ts'
import { systemMs } from '../load/samples.ts'
import { until } from '../until.ts'
import { service, type World } from '../world.ts'

const closeToMs = 600_000
/** Of the fault's time, for all orders together. */
const orderShare = 0.5

/**
 * Each time something is under way that has an end: an instance that is ejected for a time. Jumps are seen in the log, by requests
 * of all threads, and in the timeline.
 */
export const jumpingClock: Fault = fault({
  name: 'jumping-clock',
  does: 'the wall clock jumps an hour on, two back, and to the true time',
  holds: '0 failed, no ejection ends early or late, none happens; the registry is followed',
  setting: { latencyMs: 5, pipesLog: true },
  pace: { seconds: 12, times: 1 },
  async strike(strike) {
    const { world, seconds } = strike
    const ejectionsBefore = await ejections(world)
    const orderMs = Math.round((seconds * 1000 * orderShare) / offsetsMs.length)
    let earliestMs = Infinity
    for (const offsetMs of offsetsMs) {
      const outMs = await jump(strike, offsetMs, orderMs)
      earliestMs = Math.min(earliestMs, outMs)
      await delay(orderMs)
    }
    const orders = offsetsMs.length
    return {
      endedEarly: earliestMs < orderMs ? 1 : 0,
      ejections: (await ejections(world)) - ejectionsBefore - orders,
    }
  },
  // The timeline's times are those of a clock that jumped: ejections are counted, not looked up.
  judge: allOf(noneFailed, ({ facts: { endedEarly = 0, ejections: ejected = 0 } }) => [
    ...missed(endedEarly > 0, 'an ejection by command ended before its time'),
    ...missed(ejected !== 0, `${ejected} ejections, for no fault of the endpoints`),
  ]),
})

/** @returns how long an instance was out that was ejected for `orderMs` when the clock jumped */
async function jump({ world, blow }: Strike, offsetMs: number, orderMs: number): Promise<number> {
  const { admin, instances } = world
  if (admin === null) return Infinity
  const { endpoints } = await admin.services(service)
  const ordered = endpoints.find(({ id }) => id.includes(instances[0].id))
  const orderedMs = systemMs()
  await admin.eject(ordered?.id ?? '', orderMs)
  blow()
  world.signal('SIGUSR1')
  const isThere = (time: string) => Math.abs(Date.parse(time) - Date.now() - offsetMs) < closeToMs
  await until('a request at the new time', () => {
    const last = world.logged('request').at(-1)
    return last !== undefined && isThere(last.time)
  })
  await world.eligible(instances.length)
  const outMs = systemMs() - orderedMs
  await world.follows()
  const [newest] = await admin.timeline()
  if (newest === undefined || !isThere(newest.at)) throw new Error('the timeline has not seen the clock jump')
  return outMs
}

async function ejections({ admin }: World): Promise<number> {
  return (await admin?.metric('tidegate_ejections_total')) ?? 0
}
