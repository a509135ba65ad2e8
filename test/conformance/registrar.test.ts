import { afterAll, beforeAll } from 'vitest'
import { createDiscovery } from '../../src/discovery/index.ts'
import { type ValueFormatName, valueFormats } from '../../src/join/etcd/formats/index.ts'
import { openMdnsSource } from '../../src/join/mdns/source.ts'
import { createRegistry, type Registry } from '../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../support/consul-api.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { etcdOptions } from '../support/etcd-discovery.ts'
import { type Etcd, startEtcd } from '../support/etcd.ts'
import { Announcer, loopback } from '../support/mdns-announcer.ts'
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
    tls: null,
  } as const
  const discovery = createDiscovery(options, context)
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

/** A stage at a real etcd, with values of one format. */
function etcdStage(format: ValueFormatName): RegistrarStage {
  const prefix = `/${format}`
  const keyOf = (service: string, id: string): string => `${prefix}/${service}/${id}`
  return {
    url: `etcd://127.0.0.1:${etcd.port}${prefix}?format=${format}`,
    discovery: createDiscovery<'etcd'>(etcdOptions({ endpoints: [etcd.address], prefix }), context),
    remove: (service, id) => etcd.api.delete(keyOf(service, id)),
    alter: (service, id) => etcd.api.put(keyOf(service, id), '127.0.0.1:9999'),
    restart: async () => {
      await etcd.kill()
      etcd = await startEtcd({ port: etcd.port })
    },
  }
}

/** Real multicast on the loopback interface, on a port of its own. */
async function mdnsStage(domain: 'local' | 'micro'): Promise<RegistrarStage> {
  const announcer = await Announcer.start(domain === 'local' ? 'dns-sd' : 'go-micro')
  const { port } = announcer
  onStageEnd(() => announcer.close())
  return {
    url: `mdns://${domain}.:${port}?interfaces=${loopback.name}`,
    discovery: openMdnsSource({ domain, port, interfaces: [loopback.name] }, context),
    remove: nothing,
    alter: (service, id) => announcer.announce({ service, id, host: '127.0.0.9', port: 9999 }),
    restart: nothing,
  }
}

/** There is no registry to do it to. */
const nothing = async (): Promise<void> => {}
const endings: (() => Promise<void>)[] = []
const onStageEnd = (end: () => Promise<void>): void => void endings.push(end)
const mdnsDomains = ['local', 'micro'] as const
const nobodyKeeps = 'nobody but the announcer keeps what it announces'
const mdnsGaps = {
  'an entry that somebody removed is back with the next heartbeat':
    'a forged goodbye takes nothing away: whoever is there answers; see test/integration/mdns-registrar.test.ts',
  'a registry that restarted empty has it back, and says so': nobodyKeeps,
  'what an earlier process left at the same place is swept away': nobodyKeeps,
}

const context = { random: Math.random, onSkipped: () => {} }
const etcdFormats = Object.keys(valueFormats) as ValueFormatName[]
const lossy = 'the format has no words for version, zone, weight and metadata'
const noWeight = 'the format has no word for the weight; test/unit/join/etcd/formats.test.ts shows what it has'
const title = 'an instance is listed with all that it says of itself'
const gapsOf: Readonly<Record<ValueFormatName, Readonly<Record<string, string>>>> = {
  json: {},
  address: { [title]: lossy },
  'go-zero': { [title]: lossy },
  'grpc-go': { [title]: noWeight },
  'go-micro': { [title]: noWeight },
  kratos: { [title]: noWeight },
}

let etcd: Etcd
let ofEtcd: ReadonlyMap<ValueFormatName, RegistrarStage>
let ofMdns: ReadonlyMap<string, RegistrarStage>
let consul: Consul
let registry: Registry
let ofConsul: RegistrarStage
let ofRegistry: RegistrarStage

beforeAll(async () => {
  ofMdns = new Map(await Promise.all(mdnsDomains.map(async (domain) => [domain, await mdnsStage(domain)] as const)))
  etcd = await startEtcd()
  ofEtcd = new Map(etcdFormats.map((format) => [format, etcdStage(format)]))
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
  for (const { discovery } of ofMdns.values()) await discovery.close()
  for (const end of endings) await end()
  for (const { discovery } of ofEtcd.values()) await discovery.close()
  await etcd.kill()
  await ofConsul.discovery.close()
  await ofRegistry.discovery.close()
  await consul.kill()
  await registry.close()
})

registrarConformance({ name: 'a real Consul', stage: () => ofConsul, gaps: {} })
registrarConformance({ name: 'the embedded registry', stage: () => ofRegistry, gaps: {} })
for (const format of etcdFormats) {
  registrarConformance({
    name: `a real etcd, format ${format}`,
    stage: () => ofEtcd.get(format)!,
    gaps: gapsOf[format],
  })
}
for (const domain of mdnsDomains) {
  registrarConformance({
    name: `mDNS in ${domain}.`,
    stage: () => ofMdns.get(domain)!,
    gaps: mdnsGaps,
    isConcurrent: true,
  })
}
