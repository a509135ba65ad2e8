import { expect, onTestFinished, test } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { startInstanceProcess } from '../support/instance-process.ts'

/** Nothing of this process runs for so long, its gateway included. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

test('a gateway that stood still does not blame the endpoints whose answers it missed', async () => {
  const instance = await startInstanceProcess('users-1', { healthLatencyMs: 400 })
  onTestFinished(async () => instance.kill())
  const gateway = await startTestGateway({
    config: {
      discovery: { here: { type: 'static', services: { users: [`127.0.0.1:${instance.port}`] } } },
      services: { users: { healthCheck: { path: '/health', interval: '100ms', timeout: '2s', unhealthyAfter: 1 } } },
      routes: [{ path: '/', service: 'users' }],
    },
  })
  onTestFinished(async () => gateway.close())
  const word = () => gateway.endpoints('users')[0]?.healthCheck
  // Requests to the instance would spare it checks.
  while (word() !== 'passing') await gateway.admin('/livez')
  // An answer takes four times as long as the pause before the next check: most of these meet one on its way.
  for (let stall = 0; stall < 3; stall++) {
    standStill(3000)
    // Timers that became due come first, then what was not read meanwhile.
    await gateway.admin('/livez')
    expect(word()).toBe('passing')
  }
  expect(await gateway.timeline('unhealthy')).toEqual([])
})
