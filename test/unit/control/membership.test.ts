import { describe, expect, it } from 'vitest'
import type { Instance } from '../../../src/core/instance.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import { byIdentity } from '../../../src/control/identity.ts'
import { listingOf, type Listing } from '../../../src/control/listing.ts'
import {
  dropIdle,
  reconcile,
  restand,
  type Membership,
  type Records,
  type Standing,
} from '../../../src/control/membership.ts'
import { instance } from './scripted-watch.ts'

const a = instance('a-1')
const b = instance('b-2')
const c = instance('c-3')
const none: ReadonlySet<string> = new Set()

function setUp() {
  const ledger = Ledger.create(1, 0)
  ledger.reserve(100, 1)
  let rows = 0
  const standings = new Map<string, Standing>()
  const reconciled = (before: Records, instances: readonly Instance[], held = none): Membership =>
    reconcile(before, listingAfter(before, instances, held), {
      allot: () => ({ slot: rows, cell: ledger.endpoint(rows++, 0) }),
      standingOf: (of) => standings.get(of) ?? { drained: false, unhealthy: false },
    })
  return {
    ledger,
    standings,
    start: (...instances: Instance[]) => reconciled(new Map(), instances).records,
    reconciled,
  }
}

/** What the source says, with what is held as it was served before. */
function listingAfter(before: Records, instances: readonly Instance[], held: ReadonlySet<string>): Listing {
  const served = [...before].map(([key, record]) => [key, { instance: record.instance, word: 'passing' }] as const)
  return listingOf(byIdentity('reg', instances, new Map()).listed, held, new Map(served))
}

function listing(instances: readonly Instance[], held: ReadonlySet<string>, before: Listing): Listing {
  return listingOf(byIdentity('reg', instances, before).listed, held, before)
}

function id({ id: name, port }: Instance): string {
  return `reg/n1/${name}@10.0.0.1:${port}`
}

/** `slot word` by instance name. */
function words(records: Records): Record<string, string> {
  return Object.fromEntries(
    [...records.values()].map(({ instance: { id: name }, published: { slot, registry, draining } }) => [
      name,
      `${slot} ${registry}${draining ? ' draining' : ''}`,
    ]),
  )
}

function standing(records: Records | null) {
  return [...(records ?? [])].map(([, { published }]) => [published.draining, published.unhealthy])
}

describe('membership', () => {
  it.each<[string, Instance[], ReadonlySet<string>, Record<string, string>, number]>([
    ['the same list changes nothing', [a, b], none, { 'a-1': '0 passing', 'b-2': '1 passing' }, 0],
    ['the order of a list means nothing', [b, a], none, { 'a-1': '0 passing', 'b-2': '1 passing' }, 0],
    ['a new one gets a row', [a, b, c], none, { 'a-1': '0 passing', 'b-2': '1 passing', 'c-3': '2 passing' }, 1],
    ['one not listed drains', [b], none, { 'a-1': '0 absent draining', 'b-2': '1 passing' }, 1],
    ['none listed: all drain', [], none, { 'a-1': '0 absent draining', 'b-2': '1 absent draining' }, 2],
    ['one not listed but held stays', [b], new Set([id(a)]), { 'a-1': '0 held', 'b-2': '1 passing' }, 1],
    [
      'one listed as critical but held stays',
      [{ ...a, status: 'critical' }, b],
      new Set([id(a)]),
      { 'a-1': '0 held', 'b-2': '1 passing' },
      1,
    ],
    [
      'a critical one keeps its row',
      [{ ...a, status: 'critical' }, b],
      none,
      { 'a-1': '0 critical', 'b-2': '1 passing' },
      1,
    ],
    [
      'maintenance drains',
      [a, { ...b, status: 'maintenance' }],
      none,
      { 'a-1': '0 passing', 'b-2': '1 maintenance draining' },
      1,
    ],
    [
      'another address is another endpoint',
      [{ ...a, host: '10.0.0.2' }, b],
      none,
      { 'a-1': '2 passing', 'b-2': '1 passing' },
      2,
    ],
    [
      'meta is not for the data threads',
      [{ ...a, meta: { x: 'y' } }, b],
      none,
      { 'a-1': '0 passing', 'b-2': '1 passing' },
      0,
    ],
    ['a weight is', [{ ...a, weight: 7 }, b], none, { 'a-1': '0 passing', 'b-2': '1 passing' }, 1],
    ['a zone is', [{ ...a, zone: 'z' }, b], none, { 'a-1': '0 passing', 'b-2': '1 passing' }, 1],
    ['a version is', [a, { ...b, version: '2' }], none, { 'a-1': '0 passing', 'b-2': '1 passing' }, 1],
  ])('%s', (_, instances, held, expected, changes) => {
    const { start, reconciled } = setUp()
    const after = reconciled(start(a, b), instances, held)
    expect(words(after.records)).toEqual(expected)
    expect(after.changes).toHaveLength(changes)
  })

  it('keeps the very record of an endpoint that did not change, and the new meta of one that did', () => {
    const { start, reconciled } = setUp()
    const before = start(a, b)
    const { records } = reconciled(before, [a, { ...b, meta: { x: 'y' } }])
    expect(records.get(id(a))).toBe(before.get(id(a)))
    expect(records.get(id(b))?.published).toBe(before.get(id(b))?.published)
    expect(records.get(id(b))?.instance.meta).toEqual({ x: 'y' })
  })

  it('keeps what our checks and the operator say through lists, and takes it over without one', () => {
    const { start, reconciled, standings } = setUp()
    const before = start(a, b)
    standings.set(id(a), { drained: true, unhealthy: false })
    standings.set(id(b), { drained: false, unhealthy: true })
    const stood = restand(before, (of) => standings.get(of) ?? { drained: false, unhealthy: false })
    expect(stood?.changes.map(({ after }) => after.published.id)).toEqual([id(a), id(b)])
    expect(standing(stood?.records ?? null)).toEqual([
      [true, false],
      [false, true],
    ])
    expect(standing(reconciled(before, [a, { ...b, weight: 2 }]).records)).toEqual(standing(stood?.records ?? null))
    expect(restand(before, () => ({ drained: false, unhealthy: false }))).toBeNull()
  })

  it('takes an endpoint back that was draining, with its row and what is counted there', () => {
    const { start, reconciled } = setUp()
    const before = start(a)
    before.get(id(a))?.cell.acquire()
    const { records } = reconciled(reconciled(before, []).records, [a])
    expect(words(records)).toEqual({ 'a-1': '0 passing' })
    expect(records.get(id(a))?.cell.inflight()).toBe(1)
  })

  it('drops an absent endpoint when nothing is in flight to it, and only then', () => {
    const { start, reconciled } = setUp()
    const { records } = reconciled(start(a, b), [])
    records.get(id(a))?.cell.acquire()
    const first = dropIdle(records)
    expect(first.dropped.map(({ published }) => published.id)).toEqual([id(b)])
    expect([...first.records.keys()]).toEqual([id(a)])
    records.get(id(a))?.cell.release()
    expect(dropIdle(first.records).records.size).toBe(0)
  })

  it('never drops an endpoint that is listed, idle as it may be', () => {
    const { start } = setUp()
    const records = start(a, { ...b, status: 'critical' })
    expect(dropIdle(records)).toEqual({ records, dropped: [] })
  })
})

describe('identity', () => {
  it('is made of source, node, id and address, IPv6 in brackets', () => {
    const { listed } = byIdentity('reg', [instance('a-1'), instance('b-2', { node: '', host: 'fe80::1' })], new Map())
    expect([...listed.keys()]).toEqual(['reg/n1/a-1@10.0.0.1:9001', 'reg//b-2@[fe80::1]:9002'])
  })

  it('listed twice counts once: the last entry wins and is told', () => {
    const { listed, duplicates } = byIdentity('reg', [a, b, { ...a, weight: 9 }], new Map())
    expect(listed.get(id(a))?.weight).toBe(9)
    expect(listed.size).toBe(2)
    expect(duplicates).toEqual([id(a)])
  })

  it('is the same with what was listed before at hand, whatever became of it', () => {
    const before = listingOf(byIdentity('reg', [a, b], new Map()).listed, none, new Map())
    const moved = { ...b, port: 9999 }
    const { listed, duplicates } = byIdentity('reg', [moved, a, c, { ...a, weight: 9 }], before)
    expect([...listed.keys()]).toEqual([id(moved), id(a), id(c)])
    expect(listed.get(id(a))?.weight).toBe(9)
    expect(duplicates).toEqual([id(a)])
  })
})

describe('a listing', () => {
  it('keeps the entries of what is listed again, and no other', () => {
    const before = listing([a, b, c], none, new Map())
    const after = listing([a, { ...b, status: 'critical' }, { ...c }], none, before)
    expect(after.get(id(a))).toBe(before.get(id(a)))
    expect(after.get(id(b))?.word).toBe('critical')
    expect(after.get(id(c))).not.toBe(before.get(id(c)))
  })

  it('says passing again of what was held and is listed', () => {
    const before = listing([a], none, new Map())
    const held = listing([], new Set([id(a)]), before)
    expect(held.get(id(a))?.word).toBe('held')
    expect(listing([a], none, held).get(id(a))).toEqual({ instance: a, word: 'passing' })
  })
})
