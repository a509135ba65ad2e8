import type { ConfigInput } from '../config/schema.ts'
import { createRegistry } from '../registry/registry.ts'
import { type RunningGateway, startGateway } from '../start-gateway.ts'
import { demoServices, Fleet } from './fleet.ts'
import { freePort } from './free-port.ts'

/** Everything the demo runs: a registry, services that register themselves, and the gateway before them. */
export interface World {
  readonly edge: string
  readonly admin: string
  readonly registry: string
  readonly gateway: RunningGateway
  readonly fleet: Fleet
  stop(): Promise<void>
}

/** @param progress called with a line before each step that takes a while */
export async function startWorld(progress: (line: string) => void): Promise<World> {
  const edgePort = await freePort(8080)
  const adminPort = await freePort(9900, [edgePort])
  const registryPort = await freePort(8500, [edgePort, adminPort])
  const server = createRegistry({ port: registryPort })
  const { address: registry } = await server.start()
  const fleet = new Fleet(registry)
  const ends = [() => server.close(), () => fleet.stop()]
  const stop = async () => {
    for (const end of ends.toReversed()) await end()
  }
  try {
    progress(`Registry on ${registry}; starting ${describeServices()} …`)
    await fleet.start()
    progress('Services are registered; starting the gateway …')
    const gateway = await startGateway({ config: demoConfig({ edgePort, adminPort, registry }) })
    ends.push(() => gateway.close())
    await allEligible(gateway)
    return {
      edge: `http://127.0.0.1:${edgePort}`,
      admin: `http://127.0.0.1:${adminPort}`,
      registry,
      gateway,
      fleet,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function describeServices(): string {
  return Object.entries(demoServices)
    .map(([service, instances]) => `${instances} × ${service}`)
    .join(' and ')
}

function demoConfig(ports: { edgePort: number; adminPort: number; registry: string }): ConfigInput {
  return {
    listeners: [{ name: 'edge', address: `127.0.0.1:${ports.edgePort}` }],
    admin: { address: `127.0.0.1:${ports.adminPort}` },
    log: { level: 'silent', access: false },
    stateDir: null,
    discovery: { registry: { type: 'consul', address: ports.registry } },
    routes: [
      { path: '/api/users', service: 'user-service', stripPrefix: true },
      { path: '/api/orders', service: 'order-service', stripPrefix: true },
    ],
  }
}

/** The registry's answers arrive within milliseconds; the demo begins when every instance is there. */
async function allEligible(gateway: RunningGateway): Promise<void> {
  const expected = Object.values(demoServices).reduce((sum, instances) => sum + instances, 0)
  const deadline = performance.now() + 10_000
  while (eligibleEndpoints(gateway) < expected) {
    if (performance.now() > deadline) throw new Error('the gateway did not see all instances within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function eligibleEndpoints(gateway: RunningGateway): number {
  return gateway.services().flatMap(({ endpoints }) => endpoints.filter(({ state }) => state === 'eligible')).length
}
