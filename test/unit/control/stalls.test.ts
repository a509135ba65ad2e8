import { expect, it } from 'vitest'
import { Stalls, unlessStalled } from '../../../src/control/stalls.ts'
import type { ConnectResult } from '../../../src/health/connect-probe.ts'
import { FakeClock } from './fake-clock.ts'

it('a stall is seen by who asks during it, and afterwards by whoever began before its end', async () => {
  const clock = new FakeClock()
  const stalls = new Stalls(clock)
  const beforeMs = clock.now()
  await clock.advance(5000)
  expect(stalls.since(beforeMs)).toBe(false)
  clock.stall(1000)
  expect(stalls.since(beforeMs)).toBe(true)
  await clock.advance(100)
  expect(stalls.since(beforeMs)).toBe(true)
  await clock.advance(1000)
  expect(stalls.since(clock.now() - 500)).toBe(false)
  stalls.close()
  expect(clock.timers).toBe(0)
})

it.each<[ConnectResult, ConnectResult]>([
  ['failed', 'unknown'],
  ['refused', 'refused'],
  ['accepted', 'accepted'],
])('a connect that ends as %s after a stall is %s', async (result, taken) => {
  const clock = new FakeClock()
  const stalls = new Stalls(clock)
  const probe = unlessStalled(
    () => {
      clock.stall(3000)
      return Promise.resolve(result)
    },
    clock,
    stalls,
  )
  expect(await probe('10.0.0.1', 1, 2000, new AbortController().signal)).toBe(taken)
  stalls.close()
})
