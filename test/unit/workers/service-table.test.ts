import { describe, expect, it } from 'vitest'
import { Ledger } from '../../../src/core/ledger.ts'
import type { PickInput } from '../../../src/core/picker.ts'
import type { PublishedEndpoint } from '../../../src/core/snapshot.ts'
import { ServiceTable } from '../../../src/workers/service-table.ts'
import { publishedEndpoint, seriesToNowhere } from '../../support/endpoints.ts'
import { serviceSettings } from '../../support/service.ts'

function makeTable() {
  const ledger = Ledger.create(1, 0)
  ledger.reserve(4, 4)
  return new ServiceTable({
    ledger,
    column: 0,
    series: seriesToNowhere(),
    outlier: { succeeded: () => {}, failed: () => {} },
    balancing: { random: () => 0.5, clock: { now: () => 0 } },
  })
}

const input: PickInput = { tried: null, clientAddress: '127.0.0.1', path: '/', header: () => null }
const publishAll = (table: ServiceTable, version: number, ...endpoints: PublishedEndpoint[]) =>
  table.publish({ service: 'users', version, endpoints })
const list = (service: string, version: number) => ({ service, version, endpoints: [publishedEndpoint(0)] })
const endpointsOf = (table: ServiceTable, service: string) => table.get(service)?.all.length

describe('a list that comes before the configuration that names its service', () => {
  it('waits for it, over configurations that came before the list', () => {
    const table = makeTable()
    table.publish(list('users', 2))
    table.configure([serviceSettings('orders', 0)], 1)
    table.configure([serviceSettings('orders', 0), serviceSettings('users', 1)], 2)
    expect(endpointsOf(table, 'users')).toBe(1)
  })

  it('is forgotten with a later one that does not name it: its rows may be others by the time that one does', () => {
    const table = makeTable()
    table.publish(list('users', 2))
    table.configure([serviceSettings('orders', 0)], 2)
    table.configure([serviceSettings('orders', 0), serviceSettings('users', 1)], 2)
    expect(endpointsOf(table, 'users')).toBe(0)
  })
})

describe('a list that takes the place of another', () => {
  it('is in force with the next pick, and says at once who takes part, and with what weight', () => {
    const table = makeTable()
    table.configure([serviceSettings('users', 0)], 0)
    publishAll(table, 1, publishedEndpoint(0), publishedEndpoint(1, { weight: 0 }))
    const users = table.get('users')
    expect(users?.pick(input)?.slot).toBe(0)
    publishAll(table, 2, publishedEndpoint(1, { weight: 7 }))
    expect(users?.endpoints().eligible.map(({ slot, weight }) => ({ slot, weight }))).toEqual([{ slot: 1, weight: 7 }])
    expect(users?.pick(input)?.slot).toBe(1)
    publishAll(table, 3)
    expect(users?.pick(input)).toBeNull()
  })

  it('is in force with the next pick after new settings, too', () => {
    const table = makeTable()
    table.configure([serviceSettings('users', 0)], 0)
    publishAll(table, 1, publishedEndpoint(0))
    table.configure([{ ...serviceSettings('users', 0), balancer: 'random' }], 1)
    expect(table.get('users')?.pick(input)?.slot).toBe(0)
  })

  it('knows by its row what it had, in a list that came before its service, too', () => {
    const table = makeTable()
    const publish = (...endpoints: (PublishedEndpoint | number)[]) =>
      table.publish({ service: 'users', version: 1, endpoints })
    publish(publishedEndpoint(0))
    publish(publishedEndpoint(1), 0)
    table.configure([serviceSettings('users', 0)], 0)
    const slots = () => table.get('users')?.all.map(({ slot }) => slot)
    expect(slots()).toEqual([1, 0])
    const kept = table.get('users')?.all[1]
    publish(0, publishedEndpoint(2))
    expect([slots(), table.get('users')?.all[0] === kept]).toEqual([[0, 2], true])
    expect(() => publish(0, 1)).toThrow('a list names row 1 as known, and it is not')
  })

  it('takes another endpoint in a row for another one', () => {
    const table = makeTable()
    table.configure([serviceSettings('users', 0)], 0)
    publishAll(table, 1, publishedEndpoint(0))
    const [before] = table.get('users')?.all ?? []
    publishAll(table, 2, publishedEndpoint(0, { id: 'reg/another' }))
    const [after] = table.get('users')?.all ?? []
    expect([after?.id, after === before]).toEqual(['reg/another', false])
  })

  it('leaves what it says again as it was', () => {
    const table = makeTable()
    table.configure([serviceSettings('users', 0)], 0)
    publishAll(table, 1, publishedEndpoint(0), publishedEndpoint(1))
    const before = table.get('users')?.all.map(({ published }) => published)
    publishAll(table, 2, publishedEndpoint(0), publishedEndpoint(1, { draining: true }))
    const after = table.get('users')?.all.map(({ published }) => published)
    expect([after?.[0] === before?.[0], after?.[1]?.draining]).toEqual([true, true])
    expect(after).toEqual([publishedEndpoint(0), publishedEndpoint(1, { draining: true })])
  })
})
