import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as afterThisTurn } from 'node:timers/promises'
import { afterAll, beforeAll, describe } from 'vitest'
import type { ConsulLimits } from '../../src/discovery/consul/options.ts'
import { consul } from '../../src/discovery/consul/source.ts'
import { type Discovery, DiscoveryError } from '../../src/discovery/contract.ts'
import { etcd } from '../../src/discovery/etcd/source.ts'
import { staticList, type StaticInstance } from '../../src/discovery/static.ts'
import { mdnsLimits } from '../../src/discovery/mdns/options.ts'
import { mdns } from '../../src/discovery/mdns/source.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../support/consul-api.ts'
import {
  consulOptions,
  loopbackAuthority,
  loopbackCertificate,
  lineReadings,
  ownQueries,
  readings,
  trustingTls,
} from '../support/consul-discovery.ts'
import { startConsul } from '../support/consul.ts'
import { etcdOptions } from '../support/etcd-discovery.ts'
import { type Etcd, startEtcd } from '../support/etcd.ts'
import { freePorts } from '../support/free-ports.ts'
import { Announcer, loopback, type Style } from '../support/mdns-announcer.ts'
import { seededRandom } from '../../src/util/random.ts'
import { discoveryConformance, type DiscoveryStage } from './discovery.ts'

const lossIsHidden = 'the watches under test are opened again after a loss, which is what is tested here'
const context = { random: seededRandom(1), onSkipped: () => {} }
interface Ports {
  readonly plain: number
  readonly secure: number
}

/** Starts one on the ports, or one of them; resolves with what ends it. */
interface RegistryProgram {
  readonly start: (ports: Ports, files: CertificatePaths) => Promise<RunningRegistry>
  /** By which the suite registers, while the source reads by TLS. */
  readonly api: (ports: Ports, isSecure: boolean) => ConsulApi
}

interface RunningRegistry {
  readonly end: () => Promise<void>
  readonly dropConnections?: () => Promise<void>
}

interface CertificatePaths {
  readonly cert: string
  readonly key: string
}

const realConsul: RegistryProgram = {
  start: async ({ plain, secure }, files) => {
    const running = await startConsul({ httpPort: plain, tls: { port: secure, ...files } })
    return { end: async () => running.kill() }
  },
  api: ({ plain }) => consulApi(`http://127.0.0.1:${plain}`),
}

const embedded = (isSecure: boolean): RegistryProgram => ({
  start: async ({ plain, secure }) => {
    const registry = createRegistry({
      port: isSecure ? secure : plain,
      ...(isSecure && { tls: loopbackCertificate }),
    })
    await registry.start()
    const dropConnections = async () => {
      registry.fault({ dropConnections: true })
      await afterThisTurn()
    }
    return { end: async () => registry.close(), dropConnections }
  },
  api: ({ plain, secure }) =>
    isSecure
      ? consulApi(`https://127.0.0.1:${secure}`, loopbackAuthority.cert)
      : consulApi(`http://127.0.0.1:${plain}`),
})

interface ConsulSubject {
  readonly name: string
  readonly program: RegistryProgram
  readonly limits: ConsulLimits
  readonly isSecure: boolean
  /** All connections break in each test, and watches are opened again. */
  readonly isCut?: true
}

// It takes no lines, so that asking for them changes nothing.
const onReal = [...readings, lineReadings[0]].map(({ mode, ...reading }) => ({
  name: `consul on a real Consul, ${mode}`,
  program: realConsul,
  ...reading,
}))
const onEmbedded = [...readings, ...lineReadings].map(({ mode, ...reading }) => ({
  name: `consul on the embedded registry, ${mode}`,
  program: embedded(reading.isSecure),
  ...reading,
}))
const cutOff: readonly ConsulSubject[] = [
  {
    name: 'consul on the embedded registry over HTTP/2, whose connections break in each test',
    program: embedded(true),
    limits: ownQueries,
    isSecure: true,
    isCut: true,
  },
  {
    name: 'consul on the embedded registry by lines, whose connections break in each test',
    program: embedded(false),
    limits: lineReadings[0].limits,
    isSecure: false,
    isCut: true,
  },
]
const consulSubjects: readonly ConsulSubject[] = [...onReal, ...onEmbedded, ...cutOff]

describe.each(consulSubjects)('discovery', ({ name, program, limits, isSecure, isCut = false }) => {
  const cutIn = new Set<string>()
  let stage: DiscoveryStage
  let running: RunningRegistry
  let folder: string

  beforeAll(async () => {
    const [plain = 0, secure = 0] = await freePorts(2)
    const ports = { plain, secure }
    folder = await mkdtemp(join(tmpdir(), 'tidegate-consul-tls-'))
    const files = { cert: join(folder, 'agent.pem'), key: join(folder, 'agent.key') }
    await writeFile(files.cert, loopbackCertificate.cert)
    await writeFile(files.key, loopbackCertificate.key)
    const api = program.api(ports, isSecure)
    const call = async (path: string, body?: object) => {
      const answer = await api('PUT', path, body)
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`)
    }
    const options = isSecure
      ? consulOptions({ address: `https://127.0.0.1:${secure}`, tls: trustingTls })
      : consulOptions({ address: `http://127.0.0.1:${plain}` })
    const open = () => {
      const source = consul(options, context, limits)
      return withShortIds(isCut ? persistent(source) : source)
    }
    const cutOnce = async (service: string) => {
      if (!isCut || cutIn.has(service)) return
      cutIn.add(service)
      await running.dropConnections?.()
    }
    running = await program.start(ports, files)
    stage = {
      discovery: open(),
      open,
      register: async (service, registration) => {
        const { id, host, port, weight = 1, warningWeight = 1, tags = [], meta = {} } = registration
        await call('/v1/agent/service/register?replace-existing-checks=true', {
          Name: service,
          ID: unique(service, id),
          Address: host,
          Port: port,
          Weights: { Passing: weight, Warning: warningWeight },
          Tags: tags,
          Meta: meta,
          Check: { CheckID: `check:${unique(service, id)}`, TTL: '10m', Status: 'passing' },
        })
        await cutOnce(service)
      },
      report: async (service, id, status) => {
        const verb = { passing: 'pass', warning: 'warn', critical: 'fail' }[status]
        await call(`/v1/agent/check/${verb}/check:${unique(service, id)}`)
      },
      maintain: async (service, id, isOn) =>
        call(`/v1/agent/service/maintenance/${unique(service, id)}?enable=${isOn}`),
      deregister: async (service, id) => call(`/v1/agent/service/deregister/${unique(service, id)}`),
      stop: async () => running.end(),
      restart: async () => {
        running = await program.start(ports, files)
      },
    }
  })

  afterAll(async () => {
    await stage.discovery.close()
    await running.end()
    await rm(folder, { recursive: true, force: true })
  })

  const gaps = { 'takes the loss of the registry for an error, and a new watch for a new start': lossIsHidden }
  discoveryConformance({ name, stage: () => stage, gaps: isCut ? gaps : {} })
})

const checkless = async () => {
  throw new Error('there are no checks')
}

describe.each<Style>(['dns-sd', 'go-micro'])('discovery', (style) => {
  let stage: DiscoveryStage
  let announcer: Announcer
  let hasNetwork = true

  beforeAll(async () => {
    announcer = await Announcer.start(style)
    const limits = {
      ...mdnsLimits,
      port: announcer.port,
      answerWindowMs: 50,
      queryGapMs: 100,
      goodbyeMs: 50,
      incompleteMs: 150,
      interfaceCheckMs: 10,
      readInterfaces: () => (hasNetwork ? [loopback] : []),
    }
    const domain = style === 'dns-sd' ? 'local' : 'micro'
    const open = () => mdns({ name: 'lan', type: 'mdns', domain, interfaces: null }, context, limits)
    stage = {
      discovery: open(),
      open,
      register: async (service, { id, host, port, weight = 0, tags = [], meta = {} }) =>
        announcer.announce({
          service,
          id,
          host,
          port,
          weight,
          meta: tags.length === 0 ? meta : { ...meta, tags: tags.join(',') },
        }),
      report: checkless,
      maintain: checkless,
      deregister: async (service, id) => announcer.goodbye(service, id),
      stop: async () => {
        announcer.forgetAll()
        hasNetwork = false
      },
      restart: async () => {
        hasNetwork = true
      },
    }
  })

  afterAll(async () => {
    await stage.discovery.close()
    await announcer.close()
  })

  const noChecks = 'there are no checks: who announces itself passes'
  discoveryConformance({
    name: `mdns of ${style}`,
    stage: () => stage,
    gaps: {
      'keeps an instance that turns critical in the list, and says so': noChecks,
      'weighs an instance that warns as it asked for': noChecks,
      'tells maintenance from failure': noChecks,
    },
  })
})

/** Ids are the agent's, not the service's: tests that use the same ones would move an instance from one service to another. */
function unique(service: string, id: string): string {
  return `${service}:${id}`
}

/** Takes off again what made the ids unique. */
function withShortIds(discovery: Discovery): Discovery {
  return {
    close: async () => discovery.close(),
    async *watch(service, signal) {
      for await (const answer of discovery.watch(service, signal)) {
        const instances = answer.instances.map((each) => ({ ...each, id: each.id.replace(unique(service, ''), '') }))
        yield { ...answer, instances }
      }
    },
  }
}

describe('discovery', () => {
  const services: Record<string, StaticInstance[]> = {}
  const open = () => staticList({ name: 'local', type: 'static', services }, context)
  const fixed = 'the list is read once, from the configuration'
  const unsupported = async () => {
    throw new Error(fixed)
  }
  const stage: DiscoveryStage = {
    discovery: open(),
    open,
    register: async (service, { host, port, weight = 1, tags = [], meta = {} }) => {
      const entry = { host, port, weight, zone: meta.zone ?? '', version: meta.version ?? '', tags, meta }
      services[service] = [...(services[service] ?? []), entry]
    },
    report: unsupported,
    maintain: unsupported,
    deregister: unsupported,
    stop: unsupported,
    restart: unsupported,
  }
  discoveryConformance({
    name: 'static',
    stage: () => stage,
    gaps: {
      'yields the whole list again when an instance appears': fixed,
      'lists the same instances in the same order, whenever they came': `${fixed}, in the order written there`,
      'follows address, port, weight, tags and metadata of an instance': fixed,
      'keeps an instance that turns critical in the list, and says so': 'there are no checks: all instances pass',
      'weighs an instance that warns as it asked for': 'there are no checks: all instances pass',
      'tells maintenance from failure': 'there are no checks and no maintenance: all instances pass',
      'leaves out an instance that has left, down to none': fixed,
      'gives every watch of a service all its answers': fixed,
      'does not mix services up': fixed,
      'takes the loss of the registry for an error, and a new watch for a new start': 'there is no registry to lose',
    },
  })
})

const withoutHealth = async () => {
  throw new Error('a key says nothing of health')
}

/** Opens a watch again when it fails, as its consumer does in the gateway. */
function persistent(discovery: Discovery): Discovery {
  return {
    close: async () => discovery.close(),
    async *watch(service, signal) {
      for (;;) {
        try {
          yield* discovery.watch(service, signal)
          return
        } catch (error) {
          if (!(error instanceof DiscoveryError)) throw error
        }
      }
    },
  }
}

const unchecked = 'a key is there or not: there are no checks'
const etcdGaps = {
  'keeps an instance that turns critical in the list, and says so': unchecked,
  'weighs an instance that warns as it asked for': unchecked,
  'tells maintenance from failure': unchecked,
}
describe.each([
  { name: 'etcd on a real etcd', isKilled: false, gaps: etcdGaps },
  {
    name: 'etcd on a real etcd that is killed and brought back in each test',
    isKilled: true,
    gaps: {
      ...etcdGaps,
      'takes the loss of the registry for an error, and a new watch for a new start': lossIsHidden,
    },
  },
])('discovery', ({ name, isKilled, gaps }) => {
  const prefix = '/micro/services'
  const killedIn = new Set<string>()
  let dataDir: string
  let running: Etcd
  let stage: DiscoveryStage

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tidegate-etcd-'))
    running = await startEtcd(isKilled ? { dataDir } : {})
    const { address, port } = running
    const open = () => {
      const source = etcd(etcdOptions({ endpoints: [address], prefix }), context)
      return isKilled ? persistent(source) : source
    }
    const killOnce = async (service: string) => {
      if (!isKilled || killedIn.has(service)) return
      killedIn.add(service)
      await running.kill()
      running = await startEtcd({ port, dataDir })
    }
    stage = {
      discovery: open(),
      open,
      register: async (service, { id, host, port: servicePort, weight = 1, tags = [], meta = {} }) => {
        const value = JSON.stringify({ host, port: servicePort, weight, tags, meta })
        await running.api.put(`${prefix}/${service}/${id}`, value)
        await killOnce(service)
      },
      report: withoutHealth,
      maintain: withoutHealth,
      deregister: async (service, id) => running.api.delete(`${prefix}/${service}/${id}`),
      stop: async () => running.kill(),
      restart: async () => {
        running = await startEtcd({ port })
      },
    }
  })

  afterAll(async () => {
    await stage.discovery.close()
    await running.kill()
    await rm(dataDir, { recursive: true, force: true })
  })

  discoveryConformance({ name, stage: () => stage, gaps })
})
