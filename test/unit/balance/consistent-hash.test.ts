import { describe, expect, it } from 'vitest'
import { consistentHash } from '../../../src/balance/consistent-hash.ts'
import type { Endpoint } from '../../../src/core/endpoint.ts'
import type { PickInput, Picker } from '../../../src/core/picker.ts'
import type { HashKey } from '../../../src/core/snapshot.ts'
import { seededRandom } from '../../../src/util/random.ts'
import { equalEndpoints, makeEndpoints } from '../../support/endpoints.ts'
import { balancing, pickInput } from '../../support/picking.ts'

const byClient: HashKey = { on: 'client' }
const clients = Array.from({ length: 10_000 }, (_, i) => pickInput({ clientAddress: `10.0.${i >> 8}.${i & 255}` }))

function build(endpoints: readonly Endpoint[], { hash = byClient, seed = 1 } = {}): Picker {
  return consistentHash.build(endpoints, balancing({ hash, random: seededRandom(seed) }), null)
}

function idOf(picker: Picker, input: PickInput): string | undefined {
  return picker.pick(input)?.id
}

function idsOf(picker: Picker): (string | undefined)[] {
  return clients.map((input) => idOf(picker, input))
}

/** How many clients go elsewhere, and how many of them neither from nor to that endpoint. */
function moved(before: readonly (string | undefined)[], after: readonly (string | undefined)[], changed: string) {
  const movers = before.flatMap((from, i) => (from === after[i] ? [] : [{ from, to: after[i] }]))
  return { all: movers.length, strangers: movers.filter(({ from, to }) => from !== changed && to !== changed).length }
}

describe('consistent-hash', () => {
  it('picks the same endpoint for a key in every thread and gateway, in whatever order the list came', () => {
    const endpoints = equalEndpoints(20)
    const shuffled = endpoints.toSorted(
      (a, b) => ((a.id.length + a.slot * 7919) % 23) - ((b.id.length + b.slot * 7919) % 23),
    )
    expect(shuffled).not.toEqual(endpoints)
    expect(idsOf(build(shuffled, { seed: 2 }))).toEqual(idsOf(build(endpoints, { seed: 1 })))
  })

  it('maps keys as every version does: gateways are not replaced all at once', () => {
    const ids = ['10.0.0.1', '2001:db8::1', 'ä'].map((clientAddress) =>
      idOf(build(equalEndpoints(5)), pickInput({ clientAddress })),
    )
    expect(ids).toMatchInlineSnapshot(`
      [
        "test/node/instance-1@127.0.0.1:9001",
        "test/node/instance-4@127.0.0.1:9004",
        "test/node/instance-3@127.0.0.1:9003",
      ]
    `)
  })

  it.each([
    ['equal weights', [1, 1, 1, 1, 1, 1, 1, 1]],
    ['weights', [1, 2, 5, 10, 1]],
  ])('shares keys by weight to within a few percent: %s', (_what, weights) => {
    const endpoints = makeEndpoints(weights)
    const ids = idsOf(build(endpoints))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    for (const { id, weight } of endpoints) {
      const fair = (clients.length * weight) / total
      const deviation = Math.abs(ids.filter((other) => other === id).length - fair)
      expect(deviation / Math.sqrt(fair)).toBeLessThan(4.5)
    }
  })

  it.each([3, 10, 100])('moves only the keys of an endpoint that goes, and of %i the others stay', (size) => {
    const endpoints = equalEndpoints(size)
    const [gone, ...left] = endpoints as [Endpoint, ...Endpoint[]]
    const { all, strangers } = moved(idsOf(build(endpoints)), idsOf(build(left)), gone.id)
    expect(strangers).toBe(0)
    expect(all / clients.length).toBeCloseTo(1 / size, 1)
  })

  it('moves keys only to an endpoint that grows, as in a slow start', () => {
    const endpoints = makeEndpoints([1, 1, 1, 0.1])
    const grown = endpoints[3] as Endpoint
    let before = idsOf(build(endpoints))
    for (const weight of [0.4, 0.7, 1]) {
      grown.weight = weight
      const after = idsOf(build(endpoints))
      const movers = before.flatMap((from, i) => (from === after[i] ? [] : [after[i]]))
      expect(new Set(movers)).toEqual(new Set([grown.id]))
      before = after
    }
  })

  it('retries at the next endpoint of the key, the one that it goes to when the first is gone', () => {
    const endpoints = equalEndpoints(6)
    const picker = build(endpoints)
    for (const input of clients.slice(0, 200)) {
      const first = picker.pick(input) as Endpoint
      const withoutFirst = build(endpoints.filter((endpoint) => endpoint !== first))
      expect(idOf(picker, { ...input, tried: [first] })).toBe(idOf(withoutFirst, input))
    }
  })

  describe('under a hot key', () => {
    const hot = pickInput({ clientAddress: 'everybody' })

    it('never has more in flight at its endpoint than 1.25 times the mean, rounded up', () => {
      const endpoints = equalEndpoints(4)
      const picker = build(endpoints)
      for (let i = 0; i < 400; i++) (picker.pick(hot) as Endpoint).cell.acquire()
      for (const { cell } of endpoints) expect(cell.inflight()).toBeLessThanOrEqual(125)
      expect(endpoints.reduce((sum, { cell }) => sum + cell.inflight(), 0)).toBe(400)
    })

    it('bounds each by its weight', () => {
      const endpoints = makeEndpoints([1, 3])
      const picker = build(endpoints)
      for (let i = 0; i < 400; i++) (picker.pick(hot) as Endpoint).cell.acquire()
      expect(endpoints[0]?.cell.inflight()).toBeLessThanOrEqual(125)
      expect(endpoints[1]?.cell.inflight()).toBeLessThanOrEqual(375)
    })

    it('counts what other threads have in flight', () => {
      const endpoints = equalEndpoints(3)
      const picker = build(endpoints)
      const first = picker.pick(hot) as Endpoint
      for (let i = 0; i < 9; i++) first.cell.acquire()
      expect(picker.pick(hot)).not.toBe(first)
      for (const { cell } of endpoints) for (let i = 0; i < 9; i++) cell.acquire()
      for (let i = 0; i < 9; i++) first.cell.release()
      expect(picker.pick(hot)).toBe(first)
    })

    it('stays at its endpoint while that has few in flight', () => {
      const endpoints = equalEndpoints(3)
      const picker = build(endpoints)
      for (let i = 0; i < 8; i++) (picker.pick(hot) as Endpoint).cell.acquire()
      expect(Math.max(...endpoints.map(({ cell }) => cell.inflight()))).toBe(8)
    })

    it('picks a loaded one rather than none when the others were tried', () => {
      const endpoints = equalEndpoints(2)
      const picker = build(endpoints)
      const first = picker.pick(hot) as Endpoint
      const other = endpoints.find((endpoint) => endpoint !== first) as Endpoint
      for (let i = 0; i < 50; i++) other.cell.acquire()
      expect(picker.pick({ ...hot, tried: [first] })).toBe(other)
    })

    it('comes back to its endpoint when the load is gone', () => {
      const endpoints = equalEndpoints(4)
      const picker = build(endpoints)
      const first = picker.pick(hot) as Endpoint
      for (let i = 0; i < 50; i++) first.cell.acquire()
      expect(picker.pick(hot)).not.toBe(first)
      for (let i = 0; i < 50; i++) first.cell.release()
      expect(picker.pick(hot)).toBe(first)
    })
  })

  it.each<[string, HashKey, PickInput, PickInput]>([
    [
      'client',
      byClient,
      pickInput({ clientAddress: '10.1.1.1' }),
      pickInput({ clientAddress: '10.1.1.1', path: '/x' }),
    ],
    ['path', { on: 'path' }, pickInput({ path: '/a' }), pickInput({ path: '/a', clientAddress: '10.9.9.9' })],
    [
      'header',
      { on: 'header', name: 'x-user' },
      pickInput({}, { 'x-user': 'ann' }),
      pickInput({ path: '/b' }, { 'x-user': 'ann' }),
    ],
    [
      'cookie',
      { on: 'cookie', name: 'sid' },
      pickInput({}, { cookie: 'sid=7' }),
      pickInput({}, { cookie: 'xsid=1; other="sid=2"; sid=7 ; sid=9' }),
    ],
  ])('takes the %s for the key, and nothing else', (_what, hash, one, same) => {
    const endpoints = equalEndpoints(50)
    expect(idOf(build(endpoints, { hash }), one)).toBe(idOf(build(endpoints, { hash, seed: 9 }), same))
  })

  it.each<[string, HashKey, Readonly<Record<string, string>>]>([
    ['no header', { on: 'header', name: 'x-user' }, {}],
    ['an empty header', { on: 'header', name: 'x-user' }, { 'x-user': '' }],
    ['no cookies', { on: 'cookie', name: 'sid' }, {}],
    ['other cookies', { on: 'cookie', name: 'sid' }, { cookie: 'SID=1; asid=2; sid; a=sid=3;' }],
    ['an empty cookie', { on: 'cookie', name: 'sid' }, { cookie: 'sid=; sid=3' }],
  ])('spreads requests with %s over all, away from load', (_what, hash, fields) => {
    const endpoints = equalEndpoints(4)
    const picker = build(endpoints, { hash })
    for (let i = 0; i < 400; i++) (picker.pick(pickInput({}, fields)) as Endpoint).cell.acquire()
    for (const { cell } of endpoints) expect(Math.abs(cell.inflight() - 100)).toBeLessThan(8)
  })
})
