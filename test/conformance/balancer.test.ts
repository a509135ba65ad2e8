import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { balancers } from '../../src/balance/index.ts'
import type { Endpoint } from '../../src/core/endpoint.ts'
import type { Picker, PickInput } from '../../src/core/picker.ts'
import { seededRandom } from '../../src/util/random.ts'
import { equalEndpoints, makeEndpoints } from '../support/endpoints.ts'
import { balancing, pickInput } from '../support/picking.ts'

/** First attempts of clients that differ, over and over: balancers that hash see many keys. */
const clients = Array.from({ length: 1 << 16 }, (_, i) => pickInput({ clientAddress: `client-${i}` }))
let client = 0

function firstAttempt(): PickInput {
  client = (client + 1) & (clients.length - 1)
  return clients[client] as PickInput
}

/** Picks as often as told; how often each endpoint was picked. */
function countPicks(picker: Picker, picks: number): Map<Endpoint | null, number> {
  const counts = new Map<Endpoint | null, number>()
  for (let i = 0; i < picks; i++) count(counts, picker.pick(firstAttempt()))
  return counts
}

function count(counts: Map<Endpoint | null, number>, picked: Endpoint | null): void {
  counts.set(picked, (counts.get(picked) ?? 0) + 1)
}

/**
 * How far the worst share is from its weight, in standard deviations of independent draws: 4.5 leaves room for chance, not
 * for a bias that matters.
 */
function worstDeviation(endpoints: readonly Endpoint[], counts: ReadonlyMap<Endpoint | null, number>): number {
  const picks = endpoints.reduce((sum, endpoint) => sum + (counts.get(endpoint) ?? 0), 0)
  const total = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0)
  const deviations = endpoints.map((endpoint) => {
    const share = endpoint.weight / total
    return Math.abs((counts.get(endpoint) ?? 0) - picks * share) / Math.sqrt(picks * share * (1 - share))
  })
  return Math.max(...deviations)
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heapAfterCollection(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

describe.each(Object.entries(balancers))('balancer %s', (name, balancer) => {
  function build(endpoints: readonly Endpoint[], seed = 1, previous: Picker | null = null): Picker {
    return balancer.build(endpoints, balancing({ random: seededRandom(seed) }), previous)
  }

  it('picks nothing out of nothing', () => {
    const picker = build([])
    expect(picker.pick(firstAttempt())).toBeNull()
    expect(picker.pick(pickInput({ tried: [] }))).toBeNull()
    expect(picker.pick(pickInput({ tried: equalEndpoints(1) }))).toBeNull()
  })

  it('picks the only endpoint every time, and nothing once it was tried', () => {
    const [only] = equalEndpoints(1) as [Endpoint]
    const picker = build([only])
    expect(countPicks(picker, 10)).toEqual(new Map([[only, 10]]))
    expect(picker.pick(pickInput({ tried: [only] }))).toBeNull()
  })

  it('picks members only, and all of them', () => {
    const endpoints = equalEndpoints(20)
    const members = endpoints.filter((_endpoint, index) => index % 2 === 0)
    expect(new Set(countPicks(build(members), 2000).keys())).toEqual(new Set(members))
  })

  it.each([2, 3, 10, 60])('never picks a tried endpoint of %i, and picks until all were tried', (size) => {
    const picker = build(equalEndpoints(size))
    const tried: Endpoint[] = []
    for (let i = 0; i < size; i++) {
      const endpoint = picker.pick(pickInput({ tried: tried.length === 0 ? null : tried })) as Endpoint
      expect(endpoint).not.toBeNull()
      expect(tried).not.toContain(endpoint)
      tried.push(endpoint)
    }
    expect(picker.pick(pickInput({ tried }))).toBeNull()
  })

  it('ignores tried endpoints that are no members any more', () => {
    const [gone, ...members] = equalEndpoints(4) as [Endpoint, ...Endpoint[]]
    expect(members).toContain(build(members).pick(pickInput({ tried: [gone] })))
  })

  it('never picks an endpoint of weight 0 while another weighs more', () => {
    const endpoints = makeEndpoints([0, 1, 0, 2])
    const counts = countPicks(build(endpoints), 1000)
    expect(new Set(counts.keys())).toEqual(new Set([endpoints[1], endpoints[3]]))
    expect(build(endpoints).pick(pickInput({ tried: [endpoints[1]!, endpoints[3]!] }))).toBeNull()
  })

  it('picks alike among endpoints that all have weight 0', () => {
    const endpoints = makeEndpoints([0, 0, 0, 0])
    const counts = countPicks(build(endpoints), 4000)
    for (const endpoint of endpoints) expect(counts.get(endpoint)).toBeGreaterThan(850)
  })

  it.each([1, 2, 3])('shares equally among equal weights (seed %i)', (seed) => {
    const endpoints = equalEndpoints(10)
    expect(worstDeviation(endpoints, countPicks(build(endpoints, seed), 10_000))).toBeLessThan(4.5)
  })

  it.each([1, 2, 3])('shares by weight while nothing is in flight (seed %i)', (seed) => {
    const endpoints = makeEndpoints([1, 2, 5, 10, 1])
    expect(worstDeviation(endpoints, countPicks(build(endpoints, seed), 10_000))).toBeLessThan(4.5)
  })

  it('uses the weights at the time of building', () => {
    const endpoints = makeEndpoints([1, 1, 1])
    const picker = build(endpoints)
    endpoints[0]!.weight = 1000
    const counts = countPicks(picker, 3000)
    for (const endpoint of endpoints) expect(counts.get(endpoint)).toBeLessThan(1200)
  })

  it.each([{ weights: [1, 1, 1, 1, 1] }, { weights: [3, 1] }, { weights: [1, 2, 5, 10, 1] }])(
    'shares as fairly when it is rebuilt after every pick, weights $weights',
    ({ weights }) => {
      const endpoints = makeEndpoints(weights)
      const random = seededRandom(4)
      const counts = new Map<Endpoint | null, number>()
      let picker: Picker | null = null
      for (let i = 0; i < 5000; i++) {
        picker = balancer.build(endpoints, balancing({ random }), picker)
        count(counts, picker.pick(firstAttempt()))
      }
      expect(worstDeviation(endpoints, counts)).toBeLessThan(4.5)
    },
  )

  it('shares fairly among those that stay while others come and go', () => {
    const endpoints = equalEndpoints(6)
    const random = seededRandom(5)
    const counts = new Map<Endpoint | null, number>()
    let picker: Picker | null = null
    for (let i = 0; i < 6000; i++) {
      const eligible = i % 2 === 0 ? endpoints : endpoints.slice(0, 4)
      picker = balancer.build(eligible, balancing({ random }), picker)
      count(counts, picker.pick(firstAttempt()))
    }
    expect(worstDeviation(endpoints.slice(0, 4), counts)).toBeLessThan(4.5)
  })

  it('takes over from a picker of any other balancer', () => {
    const endpoints = equalEndpoints(3)
    for (const other of Object.values(balancers)) {
      const previous = other.build(endpoints, balancing(), null)
      expect(new Set(countPicks(build(endpoints, 1, previous), 300).keys())).toEqual(new Set(endpoints))
    }
  })

  // Which is what consistent-hash is for: each client's endpoint is the same in every thread.
  const isSame = name === 'consistent-hash'
  it(`begins with ${isSame ? 'the same endpoint' : 'any endpoint'} in every thread`, () => {
    const endpoints = equalEndpoints(4)
    const firsts = Array.from({ length: 200 }, (_pick, seed) => build(endpoints, seed).pick(pickInput()))
    expect(new Set(firsts).size).toBe(isSame ? 1 : 4)
  })

  it('gives an endpoint in its slow start a tenth of what the others get', () => {
    const endpoints = makeEndpoints([1, 1, 1, 0.1])
    expect(worstDeviation(endpoints, countPicks(build(endpoints), 20_000))).toBeLessThan(4.5)
  })

  it('gives all their shares while all are in their slow start', () => {
    const endpoints = makeEndpoints([0.1, 0.1, 0.2])
    expect(worstDeviation(endpoints, countPicks(build(endpoints), 20_000))).toBeLessThan(4.5)
  })

  it('lets an endpoint grow into its share while it is rebuilt in steps', () => {
    const endpoints = equalEndpoints(3)
    const grown = endpoints[2] as Endpoint
    let picker: Picker | null = null
    const shares = [0.1, 0.4, 0.7, 1].map((weight) => {
      grown.weight = weight
      picker = build(endpoints, 1, picker)
      return countPicks(picker, 6000).get(grown) ?? 0
    })
    expect(shares).toEqual(shares.toSorted((a, b) => a - b))
    expect(shares[0]).toBeLessThan(6000 * 0.08)
    expect(shares[3]).toBeGreaterThan(6000 * 0.3)
  })

  it('picks members only, whatever they have in flight and how long they took', () => {
    const endpoints = equalEndpoints(8)
    const members = new Set<Endpoint | null>(endpoints.slice(0, 5))
    const picker = build(endpoints.slice(0, 5))
    const random = seededRandom(9)
    for (let i = 0; i < 5000; i++) {
      const endpoint = picker.pick(firstAttempt()) as Endpoint
      expect(members).toContain(endpoint)
      if (random() < 0.7) endpoint.cell.acquire()
      if (random() < 0.5) picker.feedback?.answered(endpoint, random() * 100)
      else picker.feedback?.failed(endpoint, random() * 100)
      for (const { cell } of endpoints) if (cell.inflight() > 0 && random() < 0.2) cell.release()
    }
  })

  it('leaves the heap flat over a million picks', () => {
    const picker = build(makeEndpoints([1, 2, 3, 1, 1]))
    countPicks(picker, 10_000)
    const before = heapAfterCollection()
    countPicks(picker, 1_000_000)
    expect(heapAfterCollection() - before).toBeLessThan(500_000)
  })

  it('keeps nothing of the pickers it replaced', () => {
    const endpoints = equalEndpoints(20)
    let picker = build(endpoints)
    const rebuild = (times: number) => {
      for (let i = 0; i < times; i++) picker = build(endpoints, i, picker)
    }
    rebuild(1000)
    const before = heapAfterCollection()
    rebuild(20_000)
    expect(heapAfterCollection() - before).toBeLessThan(1_000_000)
    expect(picker.pick(firstAttempt())).not.toBeNull()
  })
})
