import { expect, it } from 'vitest'
import { Pace } from '../../../src/control/pace.ts'
import { FakeClock } from './fake-clock.ts'

it('a pace is kept: at once, then once per interval for all who asked', async () => {
  const clock = new FakeClock()
  const startMs = clock.now()
  const runs: number[] = []
  const pace = new Pace(clock, 100, () => runs.push(clock.now() - startMs))
  for (let i = 0; i < 25; i++) {
    pace.ask()
    pace.ask()
    await clock.advance(10)
  }
  expect(runs).toEqual([0, 100, 200])
  await clock.advance(1000)
  expect(runs).toEqual([0, 100, 200, 300])
  expect(clock.timers).toBe(0)
  pace.ask()
  expect(runs).toHaveLength(5)
  pace.hurry()
  expect(runs).toHaveLength(5)
  pace.ask()
  pace.hurry()
  expect(runs).toHaveLength(6)
  pace.ask()
  await clock.advance(99)
  expect(runs).toHaveLength(6)
  await clock.advance(1)
  expect(runs).toHaveLength(7)
  pace.ask()
  pace.close()
  await clock.advance(1000)
  expect(runs).toHaveLength(7)
})

it('what can wait does, and keeps nobody waiting', async () => {
  const clock = new FakeClock()
  let runs = 0
  const pace = new Pace(clock, 100, () => runs++)
  pace.askIdly()
  await clock.advance(99)
  pace.askIdly()
  expect(runs).toBe(0)
  await clock.advance(1)
  expect(runs).toBe(1)
  // It was a run as any other: the interval behind it is kept.
  pace.ask()
  expect(runs).toBe(1)
  await clock.advance(200)
  expect(runs).toBe(2)
  expect(clock.timers).toBe(0)

  pace.askIdly()
  pace.ask()
  expect(runs).toBe(3)
  // The one took the other along.
  await clock.advance(1000)
  expect(runs).toBe(3)

  pace.ask()
  pace.askIdly()
  expect(runs).toBe(4)
  await clock.advance(100)
  expect(runs).toBe(5)
  await clock.advance(100)
  pace.askIdly()
  pace.finish()
  expect(runs).toBe(6)
  expect(clock.timers).toBe(0)
})
