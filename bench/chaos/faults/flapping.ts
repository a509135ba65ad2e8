import { setTimeout as delay } from 'node:timers/promises'
import { deregister, register, setCheck } from '../../../test/support/registration.ts'
import { type Fault, fault, type Strike } from '../fault.ts'
import type { Instance } from '../instance/instance.ts'
import { allOf, missed, noneEjected, noneFailed } from '../judge.ts'
import { systemMs } from '../load/samples.ts'
import { service, type World } from '../world.ts'

const changesPerSecond = 10

/** All kinds of change in turn, of an instance that is there and well all the time. */
export const flapping: Fault = fault({
  name: 'flapping',
  does: `the registry changes its mind about one instance ${changesPerSecond} times a second`,
  holds: '0 failed; connections to the others kept; ten rebuilds a second at most',
  pace: { seconds: 60, times: 1 },
  async strike(strike) {
    const { world } = strike
    const { admin, consul, instances } = world
    if (admin === null || consul === null) return {}
    const [, , victim] = instances
    await register(consul.api, { service, instance: victim, checks: ['ttl'] })
    await setCheck(consul.api, victim, 'pass')
    await world.eligible(instances.length)
    const before = await counts(world)
    const sinceMs = systemMs()
    const changes = await flap(strike, victim)
    await world.eligible(instances.length)
    const seconds = (systemMs() - sinceMs) / 1000
    const after = await counts(world)
    await world.register(victim)
    return {
      changes,
      changesPerSecond: round(changes / seconds),
      answers: after.changed - before.changed,
      rebuilds: after.lists - before.lists,
      // After the first, which comes at once.
      rebuildsPerSecond: round((after.lists - before.lists - 1) / seconds),
      // A pool that grows opens connections, one that idles for 4 s closes some: bursts of load alone make a few reconnects. Pools that
      // were flushed would make several for each change.
      reconnects: Math.min(after.opened - before.opened, after.closed - before.closed),
    }
  },
  judge: allOf(
    noneFailed,
    noneEjected,
    ({ facts: { changes = 0, rebuilds = 0, rebuildsPerSecond = 0, reconnects = 0 } }) => [
      ...missed(rebuildsPerSecond > 10, `${rebuildsPerSecond} rebuilds a second`),
      ...missed(rebuilds === 0, 'it followed none of the changes'),
      ...missed(reconnects > changes, `${reconnects} reconnects to instances that did not change`),
    ],
  ),
})

/** @returns how many changes were made; all is as before then */
async function flap({ world, seconds, blow }: Strike, victim: Instance): Promise<number> {
  const { consul } = world
  if (consul === null) return 0
  const { api } = consul
  const turns = [
    () => setCheck(api, victim, 'fail'),
    () => setCheck(api, victim, 'pass'),
    () => deregister(api, victim),
    () => register(api, { service, instance: victim }),
    () => deregister(api, victim),
    // Critical at first.
    () => register(api, { service, instance: victim, checks: ['ttl'] }),
    () => setCheck(api, victim, 'pass'),
  ]
  const startedMs = systemMs()
  let changes = 0
  blow()
  while (systemMs() - startedMs < seconds * 1000 || changes % turns.length !== 0) {
    await turns[changes++ % turns.length]?.()
    await delay(Math.max(0, startedMs + (changes * 1000) / changesPerSecond - systemMs()))
  }
  return changes
}

/** Answers of the registry that were new; lists that were made of them, each a rebuild; connections at the instances that do not change. */
async function counts({ admin, instances }: World) {
  const changed = (await admin?.metric('tidegate_discovery_updates_total', 'outcome="changed"')) ?? 0
  const lists = (await admin?.metric('tidegate_service_lists_total')) ?? 0
  const unchanged = await Promise.all(instances.slice(0, 2).map((instance) => instance.counts()))
  const sum = (of: 'opened' | 'closed') => unchanged.reduce((total, each) => total + each[of], 0)
  return { changed, lists, opened: sum('opened'), closed: sum('closed') }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
