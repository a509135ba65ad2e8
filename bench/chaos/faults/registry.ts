import { setTimeout as delay } from 'node:timers/promises'
import { setMaintenance } from '../../../test/support/registration.ts'
import { type Fault, fault, type Outcome, type Strike } from '../fault.ts'
import { allOf, missed, noneEjected, noneFailed } from '../judge.ts'
import { systemMs } from '../load/samples.ts'
import { crowd, type RegistryMood } from '../registry-proxy.ts'
import { until } from '../until.ts'
import { service } from '../world.ts'

interface Trouble {
  readonly mood: RegistryMood
  readonly does: string
  /** Who waits for a change hears nothing: the gateway notices when its own deadline has passed. */
  readonly isSilent?: true
}

const troubles: readonly Trouble[] = [
  { mood: 'leaderless', does: 'Consul has no leader: 500 to everything' },
  { mood: 'too-many', does: 'Consul refuses: 429 to everything' },
  { mood: 'truncated', does: 'Consul’s answers are JSON that stops short' },
  { mood: 'trickling', does: 'Consul’s answers come by a byte each half second', isSilent: true },
  { mood: 'half-open', does: 'connections to Consul fall silent without an end, for good', isSilent: true },
]

/** A blocking query waits 60 s, and Consul may add a sixteenth; 5 s for the answer. */
const noticedAfterMs = 60_000 * (17 / 16) + 5000
const silentSeconds = 90
const outageSeconds = 30
/** Attempts at once when an outage begins; then it asks ever more rarely. */
const attemptsAtOnce = 10

/** They come with a change of a real one, and go with another. */
const crowded: Fault = fault({
  name: 'consul-crowded',
  does: `${crowd.toLocaleString('en')} instances are listed besides, all critical, and gone again`,
  holds: '0 failed; taken in, and let go',
  setting: { latencyMs: 5, proxiesRegistry: true },
  pace: { seconds: 5, times: 3 },
  async strike({ world, seconds, times, blow }) {
    const { admin, consul, instances, registry } = world
    if (admin === null || consul === null || registry === null) return {}
    const listed = async () => (await admin.services(service)).endpoints.length
    const lateBeats = async () =>
      (await admin.metric(`${loopDelay}_count`)) - (await admin.metric(`${loopDelay}_bucket`, 'le="0.05"'))
    const before = await lateBeats()
    for (let i = 0; i < times; i++) {
      blow()
      registry.become('crowded')
      await setMaintenance(consul.api, instances[0], true)
      await until('all that are listed', async () => (await listed()) === crowd + instances.length)
      await delay((seconds * 1000) / times)
      registry.become('well')
      await setMaintenance(consul.api, instances[0], false)
      await until('the others only', async () => (await listed()) === instances.length)
      await world.eligible(instances.length)
    }
    // Of the data threads, by more than 50 ms.
    return { lateBeats: (await lateBeats()) - before }
  },
  judge: allOf(noneFailed, noneEjected),
})

const loopDelay = 'tidegate_worker_event_loop_delay_seconds'

export const registryTroubles: readonly Fault[] = troubles
  .map(({ mood, does, isSilent = false }) =>
    fault({
      name: `consul-${mood}`,
      does,
      holds: '0 failed; one alarm, staleness rises, no storm; follows again, also what changed meanwhile',
      setting: { latencyMs: 5, proxiesRegistry: true },
      pace: { seconds: isSilent ? silentSeconds : outageSeconds, times: 1 },
      strike: (strike) => trouble(strike, mood, isSilent),
      judge: allOf(noneFailed, noneEjected, toldOnce, askedRarely),
    }),
  )
  .concat(crowded)

async function trouble({ world, seconds: lasting, blow }: Strike, mood: RegistryMood, isSilent: boolean) {
  const { admin, consul, instances, registry } = world
  if (admin === null || consul === null || registry === null) return {}
  const logged = (event: string) => world.logged(event).length
  const isStale = async () => (await admin.services(service)).stale
  const age = () => admin.metric('tidegate_discovery_age_seconds')
  const before = { alarms: logged('source-lost'), ends: logged('source-back'), asked: registry.asked }
  const sinceMs = systemMs()
  blow()
  registry.become(mood)
  if (!isSilent) await until('a list that is stale', isStale)
  // What changes while nobody can be told.
  await setMaintenance(consul.api, instances[0], true)
  const youngSeconds = await age()
  await delay(lasting * 1000)
  const isNoticed = await isStale()
  const oldSeconds = await age()
  const asked = registry.asked - before.asked
  const outageMs = systemMs() - sinceMs
  registry.become('well')
  const wellMs = systemMs()
  await world.eligible(instances.length - 1)
  const followedAfterMs = systemMs() - wellMs
  await setMaintenance(consul.api, instances[0], false)
  await world.eligible(instances.length)
  if (isNoticed) await until('the end of the outage in the log', () => logged('source-back') > before.ends)
  return {
    outageMs: Math.round(outageMs),
    noticed: isNoticed || (isSilent && outageMs < noticedAfterMs) ? 1 : 0,
    alarmsDue: isNoticed ? 1 : 0,
    alarms: logged('source-lost') - before.alarms,
    ...(isNoticed && { ageGrownMs: Math.round((oldSeconds - youngSeconds) * 1000) }),
    asked,
    followedAfterMs: Math.round(followedAfterMs),
  }
}

function toldOnce({ facts: { noticed = 0, alarmsDue = 0, alarms = 0, ageGrownMs = 1 } }: Outcome): readonly string[] {
  return [
    ...missed(noticed === 0, 'it did not notice'),
    ...missed(alarms !== alarmsDue, `${alarms} alarms in the log for one outage`),
    ...missed(ageGrownMs <= 0, 'staleness did not rise'),
  ]
}

function askedRarely({ facts: { asked = 0, outageMs = 0 } }: Outcome): readonly string[] {
  return missed(asked > attemptsAtOnce + outageMs / 1000, `asked ${asked} times in ${outageMs} ms`)
}
