import { afterAll, beforeAll, expect, it, describe } from 'vitest'
import type { Fault } from '../../bench/chaos/fault.ts'
import { consulKilled, consulPartitioned } from '../../bench/chaos/faults/consul.ts'
import { killedGet, killedPost } from '../../bench/chaos/faults/killed.ts'
import { misbehaving } from '../../bench/chaos/faults/misbehaving.ts'
import { reloaded } from '../../bench/chaos/faults/reloaded.ts'
import { restarted } from '../../bench/chaos/faults/restarted.ts'
import { stopped } from '../../bench/chaos/faults/silent.ts'
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
  hangMs: 15_000,
}

const setting = {
  latencyMs: 5,
  // Instances come back in time for the next fault.
  serviceKeys: { headTimeout: '500ms', outlier: { baseEjection: '1s', maxEjection: '1s' } },
}

const short: readonly (readonly [Fault, number, number])[] = [
  [killedGet, 1, 2],
  [killedPost, 1, 2],
  [stopped, 1, 1],
  ...misbehaving
    .filter(({ name }) => ['reset-mid-body', 'length-too-short', 'refusing'].includes(name))
    .map((fault) => [fault, 0.5, 1] as const),
  [restarted, 1, 1],
  [reloaded, 1, 5],
  [crashedThread, 1, 1],
  [consulPartitioned, 0.5, 1],
  [consulKilled, 0.5, 1],
]

describe.each([
  { engine: 'fast', faults: short },
  // What differs between the engines: connections, and what goes over them.
  {
    engine: 'standard',
    faults: short.filter(([fault]) => [killedGet, killedPost, stopped, restarted].includes(fault)),
  },
] as const)('under steady load, engine $engine', ({ engine, faults }) => {
  let world: World

  beforeAll(async () => {
    world = await World.start({ ...setting, engine })
  })

  afterAll(async () => world.close())

  it.each(faults)('$0.name: $0.holds', async (fault, seconds, times) => {
    await world.eligible(world.instances.length)
    const { figures, missed } = await runFault(fault, world, { ...running, pace: { seconds, times } })
    expect({ missed, kinds: figures.kinds }).toEqual({ missed: [], kinds: figures.kinds })
    expect(figures.requests).toBeGreaterThan(0)
  })
})
