import { describe, expect, it } from 'vitest'
import { Catalog } from '../../../src/registry/catalog.ts'
import type { Check, Service } from '../../../src/registry/model.ts'

function createCatalog(): Catalog {
  return new Catalog({ id: 'n', name: 'n', address: '127.0.0.1' })
}

function service(id: string, name: string, port = 80): Service {
  return {
    id,
    name,
    port,
    address: '',
    tags: [],
    meta: null,
    taggedAddresses: {},
    weights: { passing: 1, warning: 1 },
    enableTagOverride: false,
  }
}

function check(id: string, of: Service | null, status: Check['status'] = 'passing'): Check {
  return {
    id,
    status,
    name: id,
    notes: '',
    output: '',
    type: 'ttl',
    serviceId: of?.id ?? '',
    serviceName: of?.name ?? '',
  }
}

describe('the catalog', () => {
  it('lists services and checks by id, whatever order they came in', () => {
    const catalog = createCatalog()
    const [a1, a2] = [service('a1', 'a'), service('a2', 'a')]
    catalog.register(a2, [check('y', a2), check('x', a2)])
    catalog.register(a1, [])
    expect(catalog.instances('a').map(({ id }) => id)).toEqual(['a1', 'a2'])
    expect(catalog.checksOf('a2').map(({ id }) => id)).toEqual(['x', 'y'])
  })

  it('gives a service and its checks one index, and the next change a higher one', () => {
    const catalog = createCatalog()
    const a = service('a1', 'a')
    catalog.register(a, [check('x', a)])
    const index = catalog.indexes.ofService('a', true)
    expect([catalog.service('a1')?.createIndex, catalog.checksOf('a1')[0]?.createIndex]).toEqual([index, index])
    catalog.register(service('a1', 'a', 81), [])
    expect(catalog.service('a1')).toMatchObject({ createIndex: index, modifyIndex: index + 1 })
  })

  it('takes the same registration again for no change', () => {
    const catalog = createCatalog()
    catalog.register(service('a1', 'a'), [])
    let commits = 0
    catalog.onCommit(() => (commits += 1))
    catalog.register(service('a1', 'a'), [])
    expect(commits).toBe(0)
  })

  it('leaves the index of one service alone when another changes', () => {
    const catalog = createCatalog()
    const [a, b] = [service('a', 'a'), service('b', 'b')]
    catalog.register(a, [])
    const index = catalog.indexes.ofService('a', true)
    catalog.register(b, [check('x', b)])
    catalog.register(null, [check('x', b, 'critical')])
    catalog.deregisterService('b')
    expect(catalog.indexes.ofService('a', true)).toBe(index)
  })

  it('moves the index of every service with a check of the node', () => {
    const catalog = createCatalog()
    catalog.register(service('a', 'a'), [])
    catalog.register(service('b', 'b'), [])
    const index = catalog.indexes.ofService('b', true)
    catalog.register(null, [check('disk', null, 'critical')])
    expect([catalog.indexes.ofService('a', true), catalog.indexes.ofService('b', true)]).toEqual([index + 1, index + 1])
  })

  it('removes the checks of a service with it', () => {
    const catalog = createCatalog()
    const a = service('a', 'a')
    catalog.register(a, [check('x', a), check('disk', null)])
    catalog.deregisterService('a')
    expect(catalog.checks().map(({ id }) => id)).toEqual(['disk'])
  })

  it('never lowers the index of a service that ends and begins again', () => {
    const catalog = createCatalog()
    const seen: number[] = []
    for (let round = 0; round < 3; round++) {
      catalog.register(service('a', 'a'), [])
      seen.push(catalog.indexes.ofService('a', true))
      catalog.register(service('other', 'other', round), [])
      catalog.deregisterService('a')
      seen.push(catalog.indexes.ofService('a', true))
    }
    expect(seen).toEqual(seen.toSorted((x, y) => x - y))
    expect(new Set(seen).size).toBe(seen.length)
  })

  it('tells no listener that has unsubscribed', () => {
    const catalog = createCatalog()
    let commits = 0
    const unsubscribe = catalog.onCommit(() => (commits += 1))
    catalog.register(service('a', 'a'), [])
    unsubscribe()
    catalog.deregisterService('a')
    expect(commits).toBe(1)
  })
})
