import { describe, expect, it, onTestFinished } from 'vitest'
import { consulLimits } from '../../src/discovery/consul/options.ts'
import { consul } from '../../src/discovery/consul/source.ts'
import { seededRandom } from '../../src/util/random.ts'
import { startConsul } from '../support/consul.ts'
import { observeHttp } from '../support/http-traffic.ts'
import { watch } from '../support/watching.ts'

const modes = [
  { mode: 'a query of its own', sharedAbove: 100 },
  { mode: 'shared queries', sharedAbove: 0 },
]

describe.each(modes)('a watch of an absent service by $mode', ({ sharedAbove }) => {
  it('does not ask again for every registration of another, and still sees its own', async () => {
    const registry = await startConsul()
    const traffic = observeHttp(registry.port)
    const discovery = consul(
      {
        name: 'consul',
        type: 'consul',
        address: registry.address,
        token: null,
        datacenter: null,
        datacenters: null,
        routesFromTags: null,
        tls: null,
      },
      { random: seededRandom(1), onSkipped: () => {} },
      { ...consulLimits, sharedAbove, perServiceBelow: 0 },
    )
    onTestFinished(async () => {
      await discovery.close()
      traffic.stop()
      await registry.stop()
    })
    const register = async (service: string, port: number) =>
      registry.api('PUT', '/v1/agent/service/register', { Name: service, ID: service, Address: '10.0.0.1', Port: port })

    await register('busy', 1)
    const absent = watch(discovery, 'absent')
    expect(await absent.next()).toMatchObject({ instances: [] })
    const present = absent.until(({ instances }) => instances.length > 0)
    const busy = watch(discovery, 'busy')
    const startedMs = performance.now()
    const registrations = 100
    for (let port = 1; port <= registrations; port++) await register('busy', port)
    await busy.until(({ instances }) => instances[0]?.port === registrations)
    const seconds = (performance.now() - startedMs) / 1000
    const questions = traffic.paths.filter((path) => path === '/v1/health/service/absent').length
    // The first, two at once, and two per second from there on.
    expect(questions).toBeLessThanOrEqual(4 + 2 * seconds)

    await register('absent', 1)
    await expect(present).resolves.toMatchObject({ instances: [{ id: 'absent' }] })
  })
})
