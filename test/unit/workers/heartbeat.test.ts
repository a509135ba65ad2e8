import { describe, expect, it, onTestFinished } from 'vitest'
import { Ledger } from '../../../src/core/ledger.ts'
import { WorkerMeter } from '../../../src/core/meter.ts'
import { SeriesWriter } from '../../../src/core/series.ts'
import { Heartbeat } from '../../../src/workers/heartbeat.ts'

/** A heartbeat whose clock the test moves; nothing else runs meanwhile. */
function makeHeartbeat() {
  const cell = Ledger.create(1, 0).worker(0)
  const observed: number[] = []
  const meter = new WorkerMeter(
    new SeriesWriter(
      () => {},
      () => {},
    ),
    0,
  )
  const beatLate = meter.beatLate.bind(meter)
  meter.beatLate = (seconds) => {
    observed.push(seconds)
    beatLate(seconds)
  }
  let nowMs = 1000
  const heartbeat = new Heartbeat(cell, meter, { now: () => nowMs })
  onTestFinished(() => heartbeat.stop())
  const beatAfter = (ms: number) => {
    nowMs += ms
    heartbeat.beat()
  }
  return { cell, observed, beatAfter }
}

describe('Heartbeat', () => {
  it('measures how late each beat is, and keeps the latest', () => {
    const { cell, observed, beatAfter } = makeHeartbeat()
    for (const ms of [50, 50.5, 170, 49]) beatAfter(ms)
    expect(observed).toEqual([0, 0.0005, 0.12, 0])
    expect(cell.beats()).toBe(4)
    expect(cell.takeDelayMs()).toBe(120)
  })

  it('shows what the heap holds', () => {
    const { cell, beatAfter } = makeHeartbeat()
    expect(cell.heapShare()).toBe(0)
    beatAfter(50)
    expect(cell.heapShare()).toBeGreaterThan(0)
    expect(cell.heapShare()).toBeLessThan(1)
  })
})
