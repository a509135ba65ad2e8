import { describe, expect, it } from 'vitest'
import { ServiceTable } from '../../../../src/discovery/consul/service-table.ts'

function change(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  const table = new ServiceTable()
  table.replace(before)
  return [...table.replace(after)].toSorted()
}

describe('the table of services', () => {
  it('names those that came, went or have other tags', () => {
    const before = { a: [], b: ['x'], c: ['x'] }
    expect(change(before, { a: [], b: ['x', 'y'], d: [] })).toEqual(['b', 'c', 'd'])
  })

  it('does not mind the order of tags', () => {
    expect(change({ a: ['x', 'y'] }, { a: ['y', 'x'] })).toEqual([])
  })

  it('takes tags that are no list for none', () => {
    expect(change({ a: null }, { a: [] })).toEqual([])
  })
})
