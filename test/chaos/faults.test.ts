import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Fault } from '../../bench/chaos/fault.ts'
import { consulKilled, consulPartitioned } from '../../bench/chaos/faults/consul.ts'
import { jumpingClock } from '../../bench/chaos/faults/clock.ts'
import { unreadLog, unwritableState } from '../../bench/chaos/faults/disk-and-log.ts'
import { flapping } from '../../bench/chaos/faults/flapping.ts'
import { killedGet, killedPost } from '../../bench/chaos/faults/killed.ts'
import { misbehaving } from '../../bench/chaos/faults/misbehaving.ts'
import { registryTroubles } from '../../bench/chaos/faults/registry.ts'
import { reloaded } from '../../bench/chaos/faults/reloaded.ts'
import { restarted } from '../../bench/chaos/faults/restarted.ts'
import { stopped } from '../../bench/chaos/faults/silent.ts'
import { stalled, stalledControl } from '../../bench/chaos/faults/stalls.ts'
import { abusedAdmin, leavingClients, oddRequests } from '../../bench/chaos/faults/strangers.ts'
import { crashedThread } from '../../bench/chaos/faults/threads.ts'
import { runFault, type Running } from '../../bench/chaos/run-fault.ts'
import { World } from '../../bench/chaos/world.ts'

/** The chaos suite in little: the same faults, worlds and judgement, for a moment each and with few requests. */
const running: Omit<Running, 'pace'> = {
  connections: 16,
  ratePerSecond: 200,
  warmUpMs: 100,
  beforeMs: 200,
  afterMs: 300,
  hangMs: 60_000,
}

/** Short, for the instance that is stopped, and long enough for those that are only slow on a busy machine. */
const headTimeout = '3s'
const setting = { latencyMs: 5, serviceKeys: { headTimeout }, pipesLog: true }

interface Short {
  readonly fault: Fault
  readonly seconds: number
  readonly times: number
}

const moods = ['reset-mid-body', 'length-too-short', 'refusing']

const all: readonly Short[] = [
  { fault: killedGet, seconds: 1, times: 2 },
  { fault: killedPost, seconds: 1, times: 2 },
  { fault: stopped, seconds: 0.5, times: 1 },
  ...misbehaving.filter(({ name }) => moods.includes(name)).map((fault) => ({ fault, seconds: 0.5, times: 1 })),
  { fault: restarted, seconds: 1, times: 1 },
  { fault: reloaded, seconds: 1, times: 5 },
  { fault: crashedThread, seconds: 1, times: 1 },
  { fault: consulPartitioned, seconds: 0.5, times: 1 },
  { fault: consulKilled, seconds: 0.5, times: 1 },
  { fault: flapping, seconds: 2, times: 1 },
  { fault: stalled, seconds: 0.5, times: 2 },
  { fault: stalledControl, seconds: 0, times: 1 },
  { fault: unreadLog, seconds: 0.5, times: 1 },
  { fault: unwritableState, seconds: 0, times: 1 },
  { fault: leavingClients, seconds: 1, times: 1 },
  { fault: abusedAdmin, seconds: 0.5, times: 1 },
  { fault: oddRequests, seconds: 0.5, times: 1 },
]

/** Half-open ones are noticed after a minute: `consulPartitioned` is what there is of it in little. */
const troubles: readonly Short[] = registryTroubles
  .filter(({ name }) => name !== 'consul-half-open')
  .map((fault) => ({ fault, seconds: 1, times: 1 }))

describe.each([
  { of: 'engine fast', engine: 'fast', faults: all, more: {} },
  // What differs between the engines: connections, and what goes over them.
  {
    of: 'engine standard',
    engine: 'standard',
    faults: all.filter(({ fault }) =>
      [killedGet, killedPost, stopped, restarted, stalled, leavingClients].includes(fault),
    ),
    more: {},
  },
  {
    of: 'with ejections that end soon',
    engine: 'fast',
    faults: [{ fault: jumpingClock, seconds: 0, times: 1 }],
    more: jumpingClock.setting,
  },
  { of: 'with a Consul that is in trouble', engine: 'fast', faults: troubles, more: { proxiesRegistry: true } },
] as const)('under steady load, $of', ({ engine, faults, more }) => {
  let world: World | undefined

  beforeAll(async () => {
    world = await World.start({ ...setting, ...more, engine })
  })

  afterAll(async () => world?.close())

  it.each(faults)('$fault.does: $fault.holds', async ({ fault, seconds, times }) => {
    if (world === undefined) throw new Error('there is no world')
    // Ejections last long: whatever the fault before this one had ejected is not to come back to an instance that is still sick.
    await world.restore()
    const { figures, missed } = await runFault(fault, world, { ...running, pace: { seconds, times } })
    // The kinds of failures only to be seen beside what was missed.
    expect({ missed, kinds: figures.kinds }).toEqual({ missed: [], kinds: figures.kinds })
    expect(figures.requests).toBeGreaterThan(0)
  })
})
