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

it('what is rare is done beside the pace, and keeps nobody waiting', async () => {
  const clock = new FakeClock()
  let runs = 0
  const pace = new Pace(clock, 100, () => runs++)
  pace.askAside()
  expect(runs).toBe(1)
  pace.ask()
  expect(runs).toBe(2)
  pace.askAside()
  expect(runs).toBe(2)
  await clock.advance(100)
  expect(runs).toBe(3)
  await clock.advance(1000)
  expect(runs).toBe(3)
  expect(clock.timers).toBe(0)
})
