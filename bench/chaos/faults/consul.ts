import { setTimeout as delay } from 'node:timers/promises'
import { type Fault, fault } from '../fault.ts'
import { noneFailed } from '../judge.ts'
import { until } from '../until.ts'
import { service } from '../world.ts'

/** How long it stays empty, as a share of the outage, and no longer than that. */
const emptyShare = 0.25
const longestEmptyMs = 10_000

export const consulKilled: Fault = fault({
  name: 'consul-killed',
  does: 'Consul killed for a time, then back and empty, then registered again',
  holds: '0 failed; it follows again without a restart',
  pace: { seconds: 300, times: 1 },
  async strike({ world, seconds, blow }) {
    blow()
    await world.consul?.kill()
    await delay(seconds * 1000)
    await world.startConsul()
    await delay(Math.min(seconds * 1000 * emptyShare, longestEmptyMs))
    await world.registerAll()
    await until('instances that Consul lists again', async () => {
      const { endpoints } = (await world.admin?.services(service)) ?? { endpoints: [] }
      return endpoints.length === world.instances.length && endpoints.every(({ registry }) => registry === 'passing')
    })
    await world.follows()
    return {}
  },
  judge: noneFailed,
})

export const consulPartitioned: Fault = fault({
  name: 'consul-partitioned',
  does: 'Consul keeps its connections and answers nothing (SIGSTOP)',
  holds: '0 failed; it follows again without a restart',
  pace: { seconds: 90, times: 1 },
  async strike({ world, seconds, blow }) {
    blow()
    world.consul?.pause()
    await delay(seconds * 1000)
    world.consul?.resume()
    await world.follows()
    return {}
  },
  judge: noneFailed,
})
