import type { EventLoopUtilization } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import { Ledger } from '../../../src/core/ledger.ts'
import { Pulse } from '../../../src/workers/pulse.ts'

/** A pulse over a Ledger's row, and an event loop whose busy time the test sets, in seconds of one second per look. */
function makePulse() {
  const cell = Ledger.create(2, 0).worker(1)
  const loop = { active: 0, idle: 0 }
  const utilization = (now?: EventLoopUtilization, since?: EventLoopUtilization): EventLoopUtilization => {
    if (now === undefined) return { ...loop, utilization: 0 }
    const active = now.active - (since?.active ?? 0)
    const idle = now.idle - (since?.idle ?? 0)
    return { active, idle, utilization: active + idle === 0 ? 0 : active / (active + idle) }
  }
  const pulse = new Pulse(cell, utilization)
  const look = (busy: number) => {
    loop.active += busy
    loop.idle += 1 - busy
    pulse.look()
  }
  return { cell, pulse, look }
}

describe('Pulse', () => {
  it('counts the looks in a row that saw no beat', () => {
    const { cell, pulse, look } = makePulse()
    look(0)
    look(0)
    expect(pulse.silentLooks).toBe(2)
    cell.beat(0)
    look(0)
    expect(pulse.silentLooks).toBe(0)
    look(0)
    expect(pulse.silentLooks).toBe(1)
  })

  it('shows the latest beat of the last ten looks', () => {
    const { cell, pulse, look } = makePulse()
    cell.beat(3)
    cell.beat(120.5)
    cell.beat(7)
    look(0)
    cell.beat(40)
    look(0)
    expect(pulse.delayMs).toBe(120.5)
    for (let i = 0; i < 9; i++) look(0)
    expect(pulse.delayMs).toBe(40)
    look(0)
    expect(pulse.delayMs).toBe(0)
  })

  it('shows how busy the event loop was in the last ten looks', () => {
    const { pulse, look } = makePulse()
    for (let i = 0; i < 4; i++) look(0.5)
    expect(pulse.utilization).toBeCloseTo(0.5)
    for (let i = 0; i < 10; i++) look(1)
    expect(pulse.utilization).toBe(1)
  })

  it('counts the looks in a row that found the heap nearly full, unless it is excused', () => {
    const { cell, pulse, look } = makePulse()
    cell.setHeap(0.9 * 2 ** 31, 2 ** 31)
    for (let i = 0; i < 3; i++) look(0)
    expect(pulse.crowdedLooks).toBe(3)
    pulse.excuse(10)
    look(0)
    expect(pulse.crowdedLooks).toBe(-9)
    cell.setHeap(0.8 * 2 ** 31, 2 ** 31)
    look(0)
    expect(pulse.crowdedLooks).toBe(0)
  })

  it('knows nothing of the thread that had the row before', () => {
    const ledger = Ledger.create(1, 0)
    ledger.worker(0).setHeap(100, 100)
    ledger.worker(0).beat(5)
    ledger.takeBack(0)
    const cell = ledger.worker(0)
    expect([cell.heapShare(), cell.takeDelayMs(), cell.beats()]).toEqual([0, 0, 0])
  })
})
