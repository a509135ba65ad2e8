import { describe, expect, it } from 'vitest'
import { p2c } from '../../../src/balance/p2c.ts'
import type { Endpoint } from '../../../src/core/endpoint.ts'
import type { Picker } from '../../../src/core/picker.ts'
import { seededRandom } from '../../../src/util/random.ts'
import { equalEndpoints, makeEndpoints } from '../../support/endpoints.ts'
import { balancing, pickInput } from '../../support/picking.ts'

function build(endpoints: readonly Endpoint[]): Picker {
  return p2c.build(endpoints, balancing({ random: seededRandom(1) }), null)
}

function pickedOf(picker: Picker, picks: number): Set<Endpoint | null> {
  return new Set(Array.from({ length: picks }, () => picker.pick(pickInput())))
}

describe('p2c', () => {
  it('always picks the less loaded of two', () => {
    const endpoints = equalEndpoints(2)
    endpoints[0]!.cell.acquire()
    expect(pickedOf(build(endpoints), 1000)).toEqual(new Set([endpoints[1]]))
  })

  it('compares loads by weight', () => {
    const endpoints = makeEndpoints([4, 1])
    for (let i = 0; i < 3; i++) endpoints[0]!.cell.acquire()
    endpoints[1]!.cell.acquire()
    expect(pickedOf(build(endpoints), 1000)).toEqual(new Set([endpoints[0]]))
  })

  it('draws two different endpoints, so that the most loaded one is never picked', () => {
    const endpoints = makeEndpoints([1000, 1, 1, 1])
    for (let i = 0; i < 2000; i++) endpoints[0]!.cell.acquire()
    expect(pickedOf(build(endpoints), 5000)).toEqual(new Set(endpoints.slice(1)))
  })

  it('keeps loads close together when nothing is released', () => {
    const endpoints = equalEndpoints(20)
    const picker = build(endpoints)
    for (let i = 0; i < 2000; i++) picker.pick(pickInput())!.cell.acquire()
    const loads = endpoints.map(({ cell }) => cell.inflight())
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(8)
  })

  it('chooses the less loaded of those left on a retry', () => {
    const endpoints = equalEndpoints(3)
    endpoints[1]!.cell.acquire()
    const picker = build(endpoints)
    for (let i = 0; i < 50; i++) expect(picker.pick(pickInput({ tried: [endpoints[0]!] }))).toBe(endpoints[2])
  })
})
