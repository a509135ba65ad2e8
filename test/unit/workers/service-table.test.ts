import { describe, expect, it } from 'vitest'
import { Ledger } from '../../../src/core/ledger.ts'
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

const list = (service: string, version: number) => ({ service, version, endpoints: [publishedEndpoint(0)] })
const endpointsOf = (table: ServiceTable, service: string) => table.get(service)?.endpoints.all.length

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
