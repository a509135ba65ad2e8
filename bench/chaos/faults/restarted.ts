import { setMaintenance } from '../../../test/support/registration.ts'
import { type Fault, fault } from '../fault.ts'
import { noneFailed } from '../judge.ts'

/** No request for so long: whoever took the instance out has sent it its last. */
const quietMs = 500

/**
 * As a deployment does it: maintenance → drain → stop → start → register, one instance after the other. Proxies that don't follow
 * the registry get the stop and the start alone.
 */
export const restarted: Fault = fault({
  name: 'rolling-restart',
  does: 'rolling restart of all three, graceful; mixed methods',
  holds: '0 failed, of any method',
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  isCommon: true,
  async strike({ world, times, blow }) {
    for (let i = 0; i < times; i++) {
      for (const instance of world.instances) {
        const { consul } = world
        blow()
        if (consul !== null) {
          await setMaintenance(consul.api, instance, true)
          await world.drains(instance)
          await instance.drained(quietMs)
        }
        await instance.stop()
        await instance.start()
        if (consul !== null) {
          await world.register(instance)
          await setMaintenance(consul.api, instance, false)
        }
        // The next one only when this one serves again.
        await world.serves(instance)
      }
    }
    return {}
  },
  judge: noneFailed,
})
