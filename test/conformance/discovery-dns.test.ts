import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Answer, Discovery } from '../../src/discovery/contract.ts'
import type { DnsOptions } from '../../src/discovery/dns/options.ts'
import { dns } from '../../src/discovery/dns/source.ts'
import { seededRandom } from '../../src/util/random.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { freePorts } from '../support/free-ports.ts'
import { watch, type Watching } from '../support/watching.ts'
import { discoveryConformance, type DiscoveryStage, type Registration } from './discovery.ts'

const context = { random: seededRandom(1), onSkipped: () => {} }
const notInDns = 'SRV records say host, port, weight and priority: tags, metadata, zone and version are not in the DNS'
const onlyServing = "Consul's DNS leaves out whoever is critical or in maintenance, and says of nobody that it warns"

/** Consul's ids are not in the DNS: the suite's are found by what was registered under them. */
const idsByAddress = new Map<string, string>()
let consul: Consul
let ports: readonly number[]

function open(options: Partial<DnsOptions> = {}): Discovery {
  const servers = [{ host: '127.0.0.1', port: ports[1] ?? 0 }]
  const fixed = { name: 'names', type: 'dns', record: 'srv', domain: 'service.consul', port: null } as const
  return dns({ ...fixed, servers, minTtlMs: 20, maxTtlMs: 60_000, timeoutMs: 2000, ...options }, context)
}

async function call(path: string, body?: object): Promise<void> {
  const answer = await consul.api('PUT', path, body)
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`)
}

async function register(service: string, registration: Registration): Promise<void> {
  const { id, host, port, weight = 1, warningWeight = 1 } = registration
  idsByAddress.set(`${service} ${host}:${port}`, id)
  await call('/v1/agent/service/register?replace-existing-checks=true', {
    Name: service,
    ID: `${service}:${id}`,
    Address: host,
    Port: port,
    Weights: { Passing: weight, Warning: warningWeight },
    Check: { CheckID: `check:${service}:${id}`, TTL: '10m', Status: 'passing' },
  })
}

async function report(service: string, id: string, status: 'passing' | 'warning' | 'critical'): Promise<void> {
  const verb = { passing: 'pass', warning: 'warn', critical: 'fail' }[status]
  await call(`/v1/agent/check/${verb}/check:${service}:${id}`)
}

const start = async () => startConsul({ httpPort: ports[0] ?? 0, dnsPort: ports[1] ?? 0 })

beforeAll(async () => {
  ports = await freePorts(2)
  consul = await start()
})

afterAll(async () => consul.kill())

describe('discovery', () => {
  let stage: DiscoveryStage

  beforeAll(() => {
    stage = {
      discovery: withIds(open()),
      open: () => withIds(open()),
      register,
      report,
      maintain: async (service, id, isOn) => call(`/v1/agent/service/maintenance/${service}:${id}?enable=${isOn}`),
      deregister: async (service, id) => call(`/v1/agent/service/deregister/${service}:${id}`),
      stop: async () => consul.kill(),
      restart: async () => {
        consul = await start()
      },
      doubtsEmpties: true,
    }
  })

  afterAll(async () => stage.discovery.close())

  discoveryConformance({
    name: "dns on a real Consul's DNS port",
    stage: () => stage,
    gaps: {
      'lists what the registry says of an instance': notInDns,
      'follows address, port, weight, tags and metadata of an instance': notInDns,
      'takes IPv6 addresses and host names':
        "Consul answers for no name but its own: host names are the system's to resolve",
      'keeps an instance that turns critical in the list, and says so': onlyServing,
      'weighs an instance that warns as it asked for': onlyServing,
      'tells maintenance from failure': onlyServing,
    },
  })
})

/** What the rows above leave out, as far as the DNS can say it. What comes and goes between two questions is never seen. */
describe("dns on a real Consul's DNS port", () => {
  it('follows address, port and weight of an instance', async () => {
    await register('moving', { id: 'one', host: '10.0.0.1', port: 8001, weight: 3 })
    const watching = follow('moving')
    await expectList(watching, '10.0.0.1:8001*3')
    await register('moving', { id: 'one', host: '2001:db8::9', port: 8009, weight: 7 })
    await expectList(watching, '2001:db8::9:8009*7')
  })

  it('weighs an instance that warns as it asked for', async () => {
    await register('warned', { id: 'one', host: '10.0.0.1', port: 8001, weight: 10, warningWeight: 2 })
    const watching = follow('warned')
    await expectList(watching, '10.0.0.1:8001*10')
    await report('warned', 'one', 'warning')
    await expectList(watching, '10.0.0.1:8001*2')
  })

  it('loses who turns critical or goes into maintenance, and has both back', async () => {
    const all = ['10.0.0.1:8001*1', '10.0.0.2:8002*1'] as const
    await register('ailing', { id: 'one', host: '10.0.0.1', port: 8001 })
    await register('ailing', { id: 'two', host: '10.0.0.2', port: 8002 })
    const watching = follow('ailing')
    await expectList(watching, ...all)
    await report('ailing', 'one', 'critical')
    await expectList(watching, all[1])
    await report('ailing', 'one', 'passing')
    await expectList(watching, ...all)
    await call('/v1/agent/service/maintenance/ailing:two?enable=true')
    await expectList(watching, all[0])
    await call('/v1/agent/service/maintenance/ailing:two?enable=false')
    await expectList(watching, ...all)
  })

  it("has the addresses of instances that have none of their own, which are their node's", async () => {
    await call('/v1/agent/service/register', { Name: 'on-node', Port: 8003 })
    await expectList(follow('on-node'), '127.0.0.1:8003*1')
  })

  it.each([{ record: 'srv' } as const, { record: 'a', port: 8080 } as const])(
    'has all of 150 instances, which Consul silently cuts down over UDP ($record)',
    async (options) => {
      const service = `many-${options.record}`
      const hosts = Array.from({ length: 150 }, (_, i) => `10.1.0.${i + 1}`)
      await Promise.all(hosts.map(async (host, i) => register(service, { id: `i-${i}`, host, port: 8080 })))
      const watching = follow(service, options)
      const { instances } = await watching.until((answer) => answer.instances.length === hosts.length)
      expect(new Set(instances.map(({ host }) => host))).toEqual(new Set(hosts))
      // Whatever is changed, the next list is whole, too.
      await register(service, { id: 'one-more', host: '10.2.0.1', port: 8080 })
      expect((await watching.next())?.instances).toHaveLength(hosts.length + 1)
    },
  )

  it('finds instances by the name that RFC 2782 has, and by tag', async () => {
    await call('/v1/agent/service/register', { Name: 'tagged', ID: 'b', Address: '10.0.0.1', Port: 1, Tags: ['blue'] })
    await call('/v1/agent/service/register', { Name: 'tagged', ID: 'g', Address: '10.0.0.2', Port: 2, Tags: ['green'] })
    await expectList(follow('_tagged._tcp'), '10.0.0.1:1*1', '10.0.0.2:2*1')
    await expectList(follow('green.tagged'), '10.0.0.2:2*1')
  })
})

function follow(service: string, options: Partial<DnsOptions> = {}): Watching {
  const discovery = open(options)
  onTestFinished(async () => discovery.close())
  return watch(discovery, service)
}

/** Sooner or later exactly these instances, as `host:port*weight`. */
async function expectList(watching: Watching, ...wanted: readonly string[]): Promise<void> {
  const isWanted = ({ instances }: Answer) =>
    instances.map(({ host, port, weight }) => `${host}:${port}*${weight}`).join() === wanted.join()
  await expect(watching.until(isWanted)).resolves.toBeDefined()
}

/** Puts the suite's ids in. */
function withIds(discovery: Discovery): Discovery {
  return {
    close: async () => discovery.close(),
    async *watch(service, signal) {
      for await (const answer of discovery.watch(service, signal)) {
        const instances = answer.instances.map((each) => ({
          ...each,
          id: idsByAddress.get(`${service} ${each.host}:${each.port}`) ?? each.id,
        }))
        yield { ...answer, instances }
      }
    },
  }
}
