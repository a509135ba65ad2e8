import { describe, expect, it } from 'vitest'
import { SlowStarts } from '../../../src/control/slow-starts.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import { publishedEndpoint } from '../../support/endpoints.ts'
import { FakeClock } from './fake-clock.ts'
import { instance } from './scripted-watch.ts'

function setUp(durationMs: number | null = 18_000, endpoints = 3) {
  const clock = new FakeClock()
  const ledger = Ledger.create(1, clock.now())
  ledger.reserve(endpoints, 1)
  const records = Array.from({ length: endpoints }, (_, slot) => {
    const published = publishedEndpoint(slot)
    return { instance: instance(`i-${slot}`), published, cell: ledger.endpoint(slot, -1) }
  })
  const [first, second] = records as [(typeof records)[0], (typeof records)[0]]
  const starts = new SlowStarts(clock, ledger.service(0), durationMs)
  const percents = () => records.map(({ cell }) => 100 - cell.coldPercent())
  return { clock, starts, records, first, second, percents, epoch: () => ledger.service(0).epoch() }
}

describe('a slow start', () => {
  it('grows from 10 % of the weight to all of it, evenly', async () => {
    const { starts, clock, first, percents } = setUp()
    starts.begin(first)
    const seen: (number | undefined)[] = [percents()[0]]
    for (let second = 0; second < 18; second++) {
      await clock.advance(1000)
      seen.push(percents()[0])
    }
    expect(seen).toEqual(Array.from({ length: 19 }, (_, step) => 10 + 5 * step))
    expect(percents()).toEqual([100, 100, 100])
    expect(clock.timers).toBe(0)
  })

  it('has the threads rebuild 19 times, however many endpoints start together', async () => {
    const { starts, clock, records, epoch } = setUp(18_000, 100)
    for (const record of records) starts.begin(record)
    const atOnce = epoch()
    await clock.advance(60_000)
    expect(epoch() - atOnce).toBe(18)
  })

  it('of one that comes later keeps its own time, in the steps of the others', async () => {
    const { starts, clock, first, second, percents, epoch } = setUp()
    starts.begin(first)
    await clock.advance(9500)
    starts.begin(second)
    expect(percents()).toEqual([55, 10, 100])
    await clock.advance(8500)
    expect(percents()[0]).toBe(100)
    expect(percents()[1]).toBeCloseTo(55, -1)
    await clock.advance(20_000)
    expect(percents()).toEqual([100, 100, 100])
    expect(epoch()).toBeLessThan(2 + 30)
    expect(clock.timers).toBe(0)
  })

  it('begins anew when the endpoint comes back again', async () => {
    const { starts, clock, first, percents } = setUp()
    starts.begin(first)
    await clock.advance(12_000)
    starts.begin(first)
    expect(percents()[0]).toBe(10)
    await clock.advance(9000)
    expect(percents()[0]).toBe(55)
  })

  it('ends when the configuration asks for none, and takes a new duration', async () => {
    const { starts, clock, first, second, percents, epoch } = setUp()
    starts.begin(first)
    await clock.advance(9000)
    starts.configure(90_000)
    expect(percents()[0]).toBe(20)
    starts.configure(null)
    expect(percents()[0]).toBe(100)
    const before = epoch()
    starts.begin(second)
    expect([percents()[1], epoch(), clock.timers]).toEqual([100, before, 0])
  })

  it('leaves the row of an endpoint that is gone alone', async () => {
    const { starts, clock, first } = setUp()
    starts.begin(first)
    starts.forget(first.published.slot)
    first.cell.clear()
    await clock.advance(5000)
    expect(first.cell.coldPercent()).toBe(0)
  })

  it('is none where the configuration asks for none', () => {
    const { starts, first, percents, epoch } = setUp(null)
    starts.begin(first)
    expect([percents()[0], epoch()]).toEqual([100, 0])
  })
})
