import { setTimeout as delay } from 'node:timers/promises'
import { type Fault, fault, type Strike } from '../fault.ts'
import { offsetsMs } from '../in-front.ts'
import type { Instance } from '../instance/instance.ts'
import { allOf, missed, noneFailed } from '../judge.ts'
import { systemMs } from '../load/samples.ts'
import { until } from '../until.ts'
import { service, type World } from '../world.ts'

const closeToMs = 600_000
const ejectedEachTime = 2
/** An ejection lasts so long, and up to a tenth more. Long enough for all that is done meanwhile, on a busy machine too. */
const baseEjectionMs = 3000
/** Timers are coarse; a clock that is an hour on would end it at once. */
const leastSeenShare = 0.9

/**
 * Each time two instances are ejected, one by its failures and one by command, and both for a time. Jumps are seen in the log, by
 * requests of all threads, and in the timeline.
 */
export const jumpingClock: Fault = fault({
  name: 'jumping-clock',
  does: 'the wall clock jumps an hour on, two back, and to the true time, while instances are ejected for a time',
  holds: '0 failed, no ejection ends early or late, no other happens; the registry is followed',
  setting: {
    latencyMs: 5,
    pipesLog: true,
    serviceKeys: { outlier: { baseEjection: `${baseEjectionMs}ms`, maxEjection: `${baseEjectionMs}ms` } },
  },
  pace: { seconds: 12, times: 1 },
  async strike(strike) {
    const { world, seconds } = strike
    const ejectionsBefore = await ejections(world)
    const pauseMs = (seconds * 1000) / offsetsMs.length
    let endedEarly = 0
    for (const offsetMs of offsetsMs) {
      if (await jump(strike, offsetMs)) endedEarly++
      await delay(pauseMs)
    }
    const ours = ejectedEachTime * offsetsMs.length
    return { endedEarly, otherEjections: (await ejections(world)) - ejectionsBefore - ours }
  },
  // The timeline's times are those of a clock that jumped: ejections are counted, not looked up.
  judge: allOf(noneFailed, ({ facts: { endedEarly = 0, otherEjections = 0 } }) => [
    ...missed(endedEarly > 0, `${endedEarly} times an ejection ended before its time`),
    ...missed(otherEjections !== 0, `${otherEjections} other ejections`),
  ]),
})

/** @returns whether an ejection that was under way when the clock jumped ended too early */
async function jump({ world, blow }: Strike, offsetMs: number): Promise<boolean> {
  const { admin, instances } = world
  if (admin === null) return false
  const [failing, ordered] = instances
  // Each is timed from before it can have begun: seen late, it would seem shorter than it was.
  const failingMs = systemMs()
  await failing.become('reset')
  await world.eligible(instances.length - 1)
  await failing.become('ok')
  const orderedId = await idOf(world, ordered)
  const orderedMs = systemMs()
  await admin.eject(orderedId, baseEjectionMs)
  blow()
  world.signal('SIGUSR1')
  const isThere = (time: string) => Math.abs(Date.parse(time) - Date.now() - offsetMs) < closeToMs
  await until('a request at the new time', () => {
    const last = world.logged('request').at(-1)
    return last !== undefined && isThere(last.time)
  })
  const [failedMs, byCommandMs] = await Promise.all([
    outUntil(world, failing).then((backMs) => backMs - failingMs),
    outUntil(world, ordered).then((backMs) => backMs - orderedMs),
  ])
  await world.follows()
  const [newest] = await admin.timeline()
  if (newest === undefined || !isThere(newest.at)) throw new Error('the timeline has not seen the clock jump')
  return Math.min(failedMs, byCommandMs) < baseEjectionMs * leastSeenShare
}

/** @returns when it was eligible */
async function outUntil(world: World, instance: Instance): Promise<number> {
  await until(`${instance.id} to be back`, async () => (await viewOf(world, instance))?.state === 'eligible')
  return systemMs()
}

async function idOf(world: World, instance: Instance): Promise<string> {
  return (await viewOf(world, instance))?.id ?? ''
}

async function viewOf({ admin }: World, instance: Instance) {
  const view = await admin?.services(service)
  return view?.endpoints.find(({ id }) => id.includes(instance.id))
}

async function ejections({ admin }: World): Promise<number> {
  return (await admin?.metric('tidegate_ejections_total')) ?? 0
}
