import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { readInstanceFile } from '../../src/config/instance-file.ts'
import { addressOf } from '../../src/control/identity.ts'
import { consulLimits, type ConsulLimits } from '../../src/discovery/consul/options.ts'
import { consul } from '../../src/discovery/consul/source.ts'
import type { Discovery } from '../../src/discovery/contract.ts'
import { fileSource } from '../../src/discovery/file/source.ts'
import { staticList, type StaticInstance } from '../../src/discovery/static.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { consulApi } from '../support/consul-api.ts'
import { startConsul } from '../support/consul.ts'
import { freePorts } from '../support/free-ports.ts'
import { seededRandom } from '../../src/util/random.ts'
import { discoveryConformance, type DiscoveryStage, type Registration } from './discovery.ts'

const context = { random: seededRandom(1), onSkipped: () => {} }
const alwaysShared: ConsulLimits = { ...consulLimits, sharedAbove: 0, perServiceBelow: 0 }

/** Starts one on the port; resolves with what ends it. */
type StartRegistry = (port: number) => Promise<() => Promise<void>>

const startRealConsul: StartRegistry = async (httpPort) => {
  const running = await startConsul({ httpPort })
  return async () => running.kill()
}

const startEmbedded: StartRegistry = async (port) => {
  const registry = createRegistry({ port })
  await registry.start()
  return async () => registry.close()
}

const consulSubjects: readonly (readonly [name: string, start: StartRegistry, limits: ConsulLimits])[] = [
  ['consul on a real Consul, a query per service', startRealConsul, consulLimits],
  ['consul on a real Consul, shared queries', startRealConsul, alwaysShared],
  ['consul on the embedded registry, a query per service', startEmbedded, consulLimits],
  ['consul on the embedded registry, shared queries', startEmbedded, alwaysShared],
]

describe.each(consulSubjects)('discovery', (name, start, limits) => {
  let stage: DiscoveryStage
  let end: () => Promise<void>

  beforeAll(async () => {
    const [port = 0] = await freePorts(1)
    const address = `http://127.0.0.1:${port}`
    const api = consulApi(address)
    const call = async (path: string, body?: object) => {
      const answer = await api('PUT', path, body)
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`)
    }
    const open = () =>
      consul({ name: 'consul', type: 'consul', address, token: null, datacenter: null }, context, limits)
    end = await start(port)
    stage = {
      discovery: withShortIds(open()),
      open: () => withShortIds(open()),
      register: async (service, { id, host, port: servicePort, weight = 1, warningWeight = 1, tags = [], meta = {} }) =>
        call('/v1/agent/service/register?replace-existing-checks=true', {
          Name: service,
          ID: unique(service, id),
          Address: host,
          Port: servicePort,
          Weights: { Passing: weight, Warning: warningWeight },
          Tags: tags,
          Meta: meta,
          Check: { CheckID: `check:${unique(service, id)}`, TTL: '10m', Status: 'passing' },
        }),
      report: async (service, id, status) => {
        const verb = { passing: 'pass', warning: 'warn', critical: 'fail' }[status]
        await call(`/v1/agent/check/${verb}/check:${unique(service, id)}`)
      },
      maintain: async (service, id, isOn) =>
        call(`/v1/agent/service/maintenance/${unique(service, id)}?enable=${isOn}`),
      deregister: async (service, id) => call(`/v1/agent/service/deregister/${unique(service, id)}`),
      stop: async () => end(),
      restart: async () => {
        end = await start(port)
      },
    }
  })

  afterAll(async () => {
    await stage.discovery.close()
    await end()
  })

  discoveryConformance({ name, stage: () => stage, gaps: {} })
})

async function noChecks(): Promise<void> {
  throw new Error('a file says nothing of checks')
}

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

describe('discovery', () => {
  let folder = ''
  let path = ''
  let stage: DiscoveryStage
  /** By service, then by id. */
  const written = new Map<string, Map<string, Registration>>()
  /** A file names instances by their address: the ids of the suite by that, as they were written first. */
  const names = new Map<string, string>()
  const named = (discovery: Discovery): Discovery => ({
    close: async () => discovery.close(),
    async *watch(service, signal) {
      for await (const answer of discovery.watch(service, signal)) {
        const instances = answer.instances.map((each) => ({
          ...each,
          id: names.get(`${service} ${each.id}`) ?? each.id,
        }))
        yield { ...answer, instances }
      }
    },
  })
  const open = () =>
    named(
      fileSource(
        { name: 'list', type: 'file', path },
        { ...context, readInstances: readInstanceFile },
        { settleMs: 10 },
      ),
    )
  const write = async () => {
    const lists = [...written].map(([service, entries]) => [
      service,
      [...entries.values()]
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .map(({ host, port, weight = 1, tags = [], meta = {} }) => {
          const [zone, version] = [meta.zone ?? '', meta.version ?? '']
          return { address: addressOf({ host, port }), weight, zone, version, tags, meta }
        }),
    ])
    await writeFile(`${path}~`, JSON.stringify(Object.fromEntries(lists)))
    await rename(`${path}~`, path)
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidegate-conformance-'))
    path = join(folder, 'instances.json')
    await write()
    stage = {
      discovery: open(),
      open,
      register: async (service, registration) => {
        const entries = written.get(service) ?? new Map<string, Registration>()
        written.set(service, entries.set(registration.id, registration))
        names.set(`${service} ${addressOf(registration)}`, registration.id)
        await write()
      },
      report: noChecks,
      maintain: noChecks,
      deregister: async (service, id) => {
        written.get(service)?.delete(id)
        await write()
      },
      stop: async () => {
        written.clear()
        await rm(path)
      },
      restart: write,
    }
  })

  afterAll(async () => {
    await stage.discovery.close()
    await rm(folder, { recursive: true })
  })

  discoveryConformance({
    name: 'file',
    stage: () => stage,
    gaps: {
      'keeps an instance that turns critical in the list, and says so': 'there are no checks: all instances pass',
      'weighs an instance that warns as it asked for': 'there are no checks: all instances pass',
      'tells maintenance from failure': 'there are no checks and no maintenance: all instances pass',
    },
  })
})
