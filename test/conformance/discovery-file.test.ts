import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { readInstanceFile } from '../../src/config/instance-file.ts'
import { addressOf } from '../../src/control/identity.ts'
import type { Discovery } from '../../src/discovery/contract.ts'
import { fileSource } from '../../src/discovery/file/source.ts'
import { seededRandom } from '../../src/util/random.ts'
import { discoveryConformance, type DiscoveryStage, type Registration } from './discovery.ts'

const context = { random: seededRandom(1), onSkipped: () => {}, readInstances: readInstanceFile }

const checkless = async () => {
  throw new Error('a file says nothing of checks')
}

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
  const open = () => named(fileSource({ name: 'list', type: 'file', path }, context, { settleMs: 10 }))
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
      report: checkless,
      maintain: checkless,
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
