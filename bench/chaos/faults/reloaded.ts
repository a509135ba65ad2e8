import { writeConfig } from '../edges/tidegate.ts'
import { type Fault, fault } from '../fault.ts'
import { noneFailed } from '../judge.ts'
import { until } from '../until.ts'

/** Another configuration each time, told by SIGHUP. */
export const reloaded: Fault = fault({
  name: 'reloaded',
  does: 'the gateway reloads, again and again; mixed methods',
  holds: '0 failed',
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  pace: { seconds: 1, times: 50 },
  async strike({ world, times, blow }) {
    const { admin } = world
    if (admin === null) return {}
    for (let i = 1; i <= times; i++) {
      const before = await admin.configVersion()
      blow()
      writeConfig(world.setting, i)
      world.signal('SIGHUP')
      await until('a configuration in force', async () => (await admin.configVersion()) > before)
    }
    return {}
  },
  judge: noneFailed,
})
