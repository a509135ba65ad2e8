import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Instance, RegistryStatus } from '../../../src/core/instance.ts'
import { addressOf, byIdentity } from '../../../src/control/identity.ts'
import { listingOf } from '../../../src/control/listing.ts'
import { listersOf, merge, type Merged, type WeightedListing } from '../../../src/control/merge.ts'
import { instance } from './scripted-watch.ts'

const a = instance('a-1')
const b = instance('b-2')
const nothing: Merged | null = null

function says(
  source: string,
  instances: readonly Instance[],
  { weightPercent = 100, held = [] as readonly Instance[] } = {},
): WeightedListing {
  const before = byIdentity(source, held, new Map()).listed
  const served = new Map([...before].map(([id, each]) => [id, { instance: each, word: each.status }] as const))
  return {
    source,
    weightPercent,
    listing: listingOf(byIdentity(source, instances, new Map()).listed, new Set(before.keys()), served),
  }
}

/** The same instance under another id, as another registry knows it. */
function known(as: string, { port }: Instance, overrides: Partial<Instance> = {}): Instance {
  return { ...instance(as), node: '', port, ...overrides }
}

/** `id: word weight source+source` */
function shown(merged: Merged): string[] {
  return [...merged.listing].map(
    ([
      id,
      {
        instance: { weight },
        word,
      },
    ]) => `${id}: ${word} ${weight} ${listersOf(merged, id)?.sources.join('+')}`,
  )
}

const criticalA: Instance = { ...a, status: 'critical' }
const idOfA = 'consul/n1/a-1@10.0.0.1:9001'
const idInEtcd = 'etcd//x@10.0.0.1:9001'

describe('what several sources list', () => {
  it('is one endpoint per address, by the word of the first', () => {
    const merged = merge([says('consul', [a, b]), says('etcd', [known('x', a, { weight: 5 })])], nothing)
    expect(shown(merged)).toEqual([`${idOfA}: passing 1 consul+etcd`, 'consul/n1/b-2@10.0.0.1:9002: passing 1 consul'])
  })

  it.each<[string, WeightedListing[], string]>([
    [
      'of the next where the first says critical',
      [says('consul', [criticalA]), says('etcd', [known('x', a, { weight: 5 })])],
      `${idInEtcd}: passing 5 consul+etcd`,
    ],
    [
      'of the first where all say critical',
      [says('consul', [criticalA]), says('etcd', [known('x', a, { status: 'critical' })])],
      `${idOfA}: critical 1 consul+etcd`,
    ],
    [
      'of the first in maintenance: that is an order, not a failure',
      [says('consul', [{ ...a, status: 'maintenance' }]), says('etcd', [known('x', a)])],
      `${idOfA}: maintenance 1 consul+etcd`,
    ],
    [
      'of the next where it is only held for the first',
      [says('consul', [], { held: [a] }), says('etcd', [known('x', a)])],
      `${idInEtcd}: passing 1 consul+etcd`,
    ],
    [
      'of one for which it is held, where the other says critical',
      [says('consul', [criticalA]), says('etcd', [], { held: [known('x', a)] })],
      `${idInEtcd}: held 1 consul+etcd`,
    ],
    [
      'of a source with weight before one without',
      [says('consul', [a], { weightPercent: 0 }), says('etcd', [known('x', a)])],
      `${idInEtcd}: passing 1 consul+etcd`,
    ],
    [
      'of a source without weight before one that says critical',
      [says('consul', [criticalA]), says('etcd', [known('x', a)], { weightPercent: 0 })],
      `${idInEtcd}: passing 0 consul+etcd`,
    ],
  ])('counts by the word %s', (_, listings, expected) => {
    expect(shown(merge(listings, nothing))).toEqual([expected])
  })

  it('weighs what its source weighs, and no instance twice', () => {
    const heavy = { ...a, weight: 3 }
    const listings = [
      says('consul', [heavy], { weightPercent: 50 }),
      says('etcd', [known('x', a), b], { weightPercent: 10 }),
    ]
    expect([...merge(listings, nothing).listing.values()].map(({ instance: { weight } }) => weight)).toEqual([1.5, 0.1])
  })

  it('keeps its id when one of them drops it, and when it comes back', () => {
    const both = [says('consul', [a]), says('etcd', [known('x', a)])]
    const first = merge(both, nothing)
    const dropped = merge([says('consul', []), says('etcd', [known('x', a)])], first)
    expect(shown(dropped)).toEqual([`${idOfA}: passing 1 etcd`])
    expect(shown(merge(both, dropped))).toEqual([`${idOfA}: passing 1 consul+etcd`])
    const again = [says('consul', [known('a-again', a)]), says('etcd', [known('x', a)])]
    expect(shown(merge(again, dropped))).toEqual([`${idOfA}: passing 1 consul+etcd`])
  })

  it('keeps its id when another source takes it over', () => {
    const first = merge([says('consul', [a])], nothing)
    expect(shown(merge([says('etcd', [known('x', a)])], first))).toEqual([`${idOfA}: passing 1 etcd`])
  })

  it('is another endpoint when its only source lists the address under another id', () => {
    const first = merge([says('consul', [a])], nothing)
    expect(shown(merge([says('consul', [known('a-again', a)])], first))).toEqual([
      'consul//a-again@10.0.0.1:9001: passing 1 consul',
    ])
    const moved = merge([says('etcd', [known('x', a)])], first)
    expect(shown(merge([says('etcd', [known('y', a)])], moved))).toEqual(['etcd//y@10.0.0.1:9001: passing 1 etcd'])
  })

  it('stays two endpoints where one source lists an address twice', () => {
    const twice = [a, { ...a, id: 'a-too' }]
    const listings = [says('consul', twice), says('etcd', [known('x', a)])]
    const merged = merge(listings, nothing)
    expect(shown(merged)).toEqual([
      `${idOfA}: passing 1 consul+etcd`,
      'consul/n1/a-too@10.0.0.1:9001: passing 1 consul+etcd',
    ])
    expect([...merge(listings, merged).listing.keys()]).toEqual([...merged.listing.keys()])
  })

  it('is every address that any of them lists, and no other, and settles', () => {
    const statuses: RegistryStatus[] = ['passing', 'warning', 'critical', 'maintenance']
    const list = fc.uniqueArray(
      fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), fc.constantFrom(...statuses)),
      { selector: ([n]) => n, maxLength: 5 },
    )
    const steps = fc.array(fc.tuple(list, list), { maxLength: 5 })
    fc.assert(
      fc.property(steps, (answers) => {
        let merged: Merged | null = nothing
        for (const answer of answers) {
          const [consul, etcd] = answer.map((entries) =>
            entries.map(([n, port, status]) => ({ ...instance(`i-${n}`), port, status })),
          ) as [Instance[], Instance[]]
          const listings = [says('consul', consul), says('etcd', etcd, { weightPercent: 10 })]
          merged = merge(listings, merged)
          const addresses = [...consul, ...etcd].map(addressOf)
          expect(new Set([...merged.listing.values()].map((each) => addressOf(each.instance)))).toEqual(
            new Set(addresses),
          )
          for (const [id, { instance: each }] of merged.listing) expect(id.endsWith(`@${addressOf(each)}`)).toBe(true)
          expect(merge(listings, merged)).toEqual(merged)
        }
      }),
    )
  })
})
