import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Instance, RegistryStatus } from '../../../src/core/instance.ts'
import { heldAfter, type HoldQuestion } from '../../../src/control/hold-rule.ts'
import { byIdentity } from '../../../src/control/identity.ts'
import { listingOf, type Listing } from '../../../src/control/listing.ts'
import { instance } from './scripted-watch.ts'

function listing(instances: readonly Instance[], kept: readonly string[] = []): Listing {
  return listingOf(byIdentity('reg', instances, new Map()).listed, new Set(kept), new Map())
}

const isListedElsewhere = (address: string) => address === '10.0.0.1:9001'
const a = instance('a-1')
const b = instance('b-2')
const idOfA = 'reg/n1/a-1@10.0.0.1:9001'
const idOfB = 'reg/n1/b-2@10.0.0.1:9002'

/** What is held when the service had a and b, some of them held, and the answer lists `now`. */
function held(now: readonly Instance[], question: Partial<HoldQuestion> & { held?: readonly string[] } = {}): string[] {
  return [
    ...heldAfter({
      before: listing([a, b], question.held),
      listed: byIdentity('reg', now, new Map()).listed,
      afterOutage: false,
      wentBackwards: false,
      holdMs: 600_000,
      isListedElsewhere: () => false,
      ...question,
    }),
  ].toSorted()
}

function as(status: RegistryStatus, given: Instance): Instance {
  return { ...given, status }
}

describe('the hold rule', () => {
  it('lets an answer in no doubt remove anything, down to none', () => {
    expect(held([a])).toEqual([])
    expect(held([])).toEqual([])
  })

  it('holds what the first answer after an outage no longer lists, one by one', () => {
    expect(held([a], { afterOutage: true })).toEqual([idOfB])
    expect(held([], { afterOutage: true })).toEqual([idOfA, idOfB])
  })

  it('holds what is missing where the position went backwards', () => {
    expect(held([b], { wentBackwards: true })).toEqual([idOfA])
  })

  it('never holds where the service says so', () => {
    expect(held([], { afterOutage: true, wentBackwards: true, holdMs: 0 })).toEqual([])
  })

  it('goes on holding under later answers, until the endpoint may serve again', () => {
    expect(held([a], { held: [idOfB] })).toEqual([idOfB])
    expect(held([a, as('critical', b)], { held: [idOfB] })).toEqual([idOfB])
    expect(held([a, b], { held: [idOfB] })).toEqual([])
    expect(held([a, as('warning', b)], { held: [idOfB] })).toEqual([])
  })

  it('obeys maintenance at once', () => {
    expect(held([a, as('maintenance', b)], { held: [idOfB] })).toEqual([])
    expect(held([a, as('maintenance', b)], { afterOutage: true, wentBackwards: true })).toEqual([])
  })

  it('believes critical after an outage, but not of all at once, and not of a registry that lost its memory', () => {
    const criticalB = as('critical', b)
    expect(held([a, criticalB], { afterOutage: true })).toEqual([])
    expect(held([as('critical', a), criticalB], { afterOutage: true })).toEqual([idOfA, idOfB])
    expect(held([a, criticalB], { wentBackwards: true })).toEqual([idOfB])
  })

  it('gives way to another instance of the service at the same address, once that serves', () => {
    const reborn = { ...b, id: 'b-again' }
    expect(held([a, reborn], { afterOutage: true })).toEqual([])
    expect(held([a, as('critical', reborn)], { held: [idOfB] })).toEqual([idOfB])
  })

  it('gives way to another service at the same address', () => {
    expect(held([], { afterOutage: true, isListedElsewhere })).toEqual([idOfB])
    expect(held([], { held: [idOfA, idOfB], isListedElsewhere })).toEqual([idOfB])
  })

  it('holds nothing that did not serve before', () => {
    const question = {
      before: listing([as('critical', a), as('maintenance', b)]),
      listed: new Map(),
      afterOutage: true,
      wentBackwards: true,
      holdMs: 1,
      isListedElsewhere: () => false,
    }
    expect([...heldAfter(question)]).toEqual([])
  })

  it('never holds what serves by the answer, or was neither held nor serving, nor without a doubt', () => {
    const serving = ['passing', 'warning', 'held']
    const statuses: RegistryStatus[] = ['passing', 'warning', 'critical', 'maintenance']
    const listOf = fc.uniqueArray(
      fc.tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom(...statuses)).map(([n, s]) => as(s, instance(`i-${n}`))),
      { selector: ({ id }) => id },
    )
    const given = fc.record({
      before: listOf,
      now: listOf,
      wasHeld: fc.array(fc.nat(5)),
      afterOutage: fc.boolean(),
      wentBackwards: fc.boolean(),
      holdMs: fc.constantFrom(0, 1),
    })
    fc.assert(
      fc.property(given, ({ before, now, wasHeld, ...doubt }) => {
        const ids = [...byIdentity('reg', before, new Map()).listed.keys()]
        const heldBefore = wasHeld.flatMap((n) => ids[n] ?? [])
        const was = listing(before, heldBefore)
        const { listed } = byIdentity('reg', now, new Map())
        const after = heldAfter({ before: was, listed, isListedElsewhere: () => false, ...doubt })
        const begun = [...after].filter((id) => !heldBefore.includes(id))
        expect([...after].filter((id) => !serving.includes(was.get(id)?.word ?? ''))).toEqual([])
        expect([...after].filter((id) => (listed.get(id)?.status ?? 'critical') !== 'critical')).toEqual([])
        expect(begun.length === 0 || (doubt.holdMs > 0 && (doubt.afterOutage || doubt.wentBackwards))).toBe(true)
        const forgotten = [...was].filter(([id, { word }]) => !listed.has(id) && word === 'held')
        for (const [id] of forgotten) expect(after.has(id)).toBe(true)
      }),
    )
  })
})
