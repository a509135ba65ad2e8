import { afterAll, beforeAll } from 'vitest'
import { createDiscovery } from '../../src/discovery/index.ts'
import { createRegistry, type Registry } from '../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../support/consul-api.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { registrarConformance, type RegistrarStage } from './registrar.ts'

/** A stage at Consul's HTTP API. */
function consulStage(address: string, api: ConsulApi, restart: () => Promise<void>): RegistrarStage {
  const options = {
    name: 'consul',
    type: 'consul',
    address,
    token: null,
    datacenter: null,
    datacenters: null,
    routesFromTags: null,
  } as const
  const discovery = createDiscovery(options, { random: Math.random, onSkipped: () => {} })
  return {
    url: address.replace('http:', 'consul:'),
    discovery,
    remove: async (_, id) => void (await api('PUT', `/v1/agent/service/deregister/${id}`)),
    alter: async (Name, ID) => {
      const Check = { CheckID: `service:${ID}`, TTL: '10s', Status: 'passing' }
      await api('PUT', '/v1/agent/service/register', { Name, ID, Address: '127.0.0.1', Port: 9999, Check })
    },
    restart,
  }
}

let consul: Consul
let registry: Registry
let ofConsul: RegistrarStage
let ofRegistry: RegistrarStage

beforeAll(async () => {
  consul = await startConsul()
  ofConsul = consulStage(consul.address, consul.api, async () => {
    await consul.kill()
    consul = await startConsul({ httpPort: consul.port })
  })
  registry = createRegistry({ port: 0 })
  const { address } = await registry.start()
  ofRegistry = consulStage(address, consulApi(address), async () => void registry.fault({ forget: true }))
})

afterAll(async () => {
  await ofConsul.discovery.close()
  await ofRegistry.discovery.close()
  await consul.kill()
  await registry.close()
})

registrarConformance({ name: 'a real Consul', stage: () => ofConsul, gaps: {} })
registrarConformance({ name: 'the embedded registry', stage: () => ofRegistry, gaps: {} })
