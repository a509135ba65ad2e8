import { describe, expect, it } from 'vitest'
import { Ledger } from '../../../src/core/ledger.ts'
import type { RegistryWord } from '../../../src/core/snapshot.ts'
import type { EndpointRecord } from '../../../src/control/membership.ts'
import { transitionsOf, type Causes } from '../../../src/control/transition.ts'
import { publishedEndpoint } from '../../support/endpoints.ts'
import { instance } from './scripted-watch.ts'

function stated(
  from: RegistryWord | null,
  to: RegistryWord,
  given: { causes?: Causes; inflight?: number } = {},
): string[] {
  const { causes = {}, inflight = 0 } = given
  const ledger = Ledger.create(1, 0)
  ledger.reserve(1, 1)
  const cell = ledger.endpoint(0, 0)
  for (let i = 0; i < inflight; i++) cell.acquire()
  const record = (registry: RegistryWord): EndpointRecord => ({
    instance: instance('a'),
    published: publishedEndpoint(0, { registry }),
    cell,
  })
  const change = { before: from === null ? null : record(from), after: record(to) }
  return transitionsOf(change, causes).map(({ type, cause }) => `${type}: ${cause}`)
}

describe('the timeline of an endpoint', () => {
  it.each<[RegistryWord | null, RegistryWord, string[]]>([
    [null, 'passing', ['added: the registry lists it, passing']],
    [null, 'critical', ['added: the registry lists it, critical', 'unhealthy: the registry says critical']],
    [null, 'maintenance', ['added: the registry lists it, maintenance', 'draining: the registry says maintenance']],
    ['passing', 'passing', []],
    ['passing', 'warning', []],
    ['passing', 'critical', ['unhealthy: the registry says critical']],
    ['critical', 'passing', ['restored: the registry says passing']],
    ['maintenance', 'warning', ['restored: the registry says warning']],
    ['passing', 'maintenance', ['draining: the registry says maintenance']],
    ['absent', 'passing', ['added: the registry lists it again, passing']],
    ['held', 'passing', ['released: the registry says passing']],
    ['held', 'maintenance', ['released: the registry says maintenance', 'draining: the registry says maintenance']],
    ['passing', 'absent', []],
  ])('from %s to %s states %o', (from, to, expected) => {
    expect(stated(from, to)).toEqual(expected)
  })

  it('tells of exchanges that an absent endpoint still has; without any, that it was removed is all there is to tell', () => {
    expect(stated('passing', 'absent', { inflight: 2 })).toEqual([
      'draining: the registry no longer lists it; 2 in flight',
    ])
  })

  it('gives the causes that only the caller knows', () => {
    const causes = { added: 'why added', held: 'why held', released: 'why released' }
    expect(stated(null, 'passing', { causes })).toEqual(['added: why added'])
    expect(stated('passing', 'held', { causes })).toEqual(['held: why held'])
    expect(stated('held', 'absent', { causes })).toEqual(['released: why released'])
  })
})
