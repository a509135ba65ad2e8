import { afterEach, beforeEach, expect, test } from 'vitest'
import { FoundLimits } from '../../../src/control/found-limits.ts'
import type { ServiceLine } from '../../../src/control/service-line.ts'
import { Timeline } from '../../../src/control/timeline.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import { publishedEndpoint } from '../../support/endpoints.ts'
import { FakeClock } from './fake-clock.ts'

const lookMs = 50

let clock: FakeClock
let ledger: Ledger
let found: FoundLimits

beforeEach(() => {
  clock = new FakeClock()
  ledger = Ledger.create(1, 0)
  ledger.reserve(8, 1)
  found = new FoundLimits({ ledger, clock, timeline: new Timeline({ clock }) })
})

afterEach(() => found.close())

/** The service of row 0, with endpoints of these tiers; those without health are out. */
function lineOf(endpoints: readonly { readonly tier: number; readonly unhealthy: boolean }[]): ServiceLine {
  const records = endpoints.map(({ tier, unhealthy }, slot) => {
    const published = publishedEndpoint(slot, { tier, unhealthy })
    return [published.id, { published, cell: ledger.endpoint(slot, 0) }] as const
  })
  return {
    name: 'svc',
    slot: 0,
    spillBelowPercent: 70,
    entry: { limits: { findsRequests: true, pending: null, pendingTimeoutMs: 1000 } },
    endpoints: { records: new Map(records) },
  } as unknown as ServiceLine
}

/** Lets so many looks pass, with answers before each that took so long. */
async function answers(looks: number, ms: number): Promise<void> {
  for (let look = 0; look < looks; look++) {
    for (let answer = 0; answer < 5; answer++) ledger.service(0, 0).addAnswer(ms)
    await clock.advance(lookMs)
  }
}

/** That many in flight, all answers late. @returns whether a limit is tried within a second */
async function crowd(inflight: number): Promise<boolean> {
  const before = ledger.endpoint(0, 0).inflight()
  for (let i = before; i < inflight; i++) ledger.endpoint(0, 0).acquire()
  for (let look = 0; look < 20; look++) {
    await answers(1, 300)
    if (ledger.service(0).foundRequests() !== 0) return true
  }
  return false
}

test('endpoints further away count where requests spill over to them', async () => {
  const near = [false, false, true].map((unhealthy) => ({ tier: 0, unhealthy }))
  const far = [false, false, false].map((unhealthy) => ({ tier: 1, unhealthy }))
  found.follow([lineOf([...near, ...far])])
  await answers(20, 10)

  // Eight for each of five are not many, for each of two they would be.
  expect(await crowd(39)).toBe(false)
  expect(await crowd(60)).toBe(true)
})

test('what was found of a service is not taken for a finding about the next one in its row', async () => {
  const endpoints = [{ tier: 0, unhealthy: false }]
  found.follow([lineOf(endpoints)])
  await answers(20, 10)
  expect(await crowd(30)).toBe(true)

  ledger.service(0).clear()
  found.follow([lineOf(endpoints)])
  await clock.advance(2 * lookMs)

  expect(ledger.service(0).foundRequests()).toBe(0)
})

test('a service that no longer asks has no limit, and then nothing is looked at', async () => {
  found.follow([lineOf([{ tier: 0, unhealthy: false }])])
  await answers(20, 10)
  expect(await crowd(30)).toBe(true)

  found.follow([])
  await clock.advance(lookMs)
  expect(ledger.service(0).foundRequests()).toBe(0)
  expect(clock.timers).toBe(0)
})
