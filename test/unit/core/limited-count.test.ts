import { describe, expect, it } from 'vitest'
import { Ledger } from '../../../src/core/ledger.ts'

/** Columns of the row of slot 0 in a Ledger of two workers: the total, two shares, two versions. */
const total = 0
const shareOfOne = 2
const versionOfOne = 4

function makeRow() {
  const ledger = Ledger.create(2, 0)
  ledger.reserveListeners(2)
  const ints = new Int32Array(ledger.shape().listeners[0] as SharedArrayBuffer)
  return { ledger, ints, zero: ledger.listener(0, 0), one: ledger.listener(0, 1) }
}

describe('LimitedCount', () => {
  it('takes connections of all workers up to the limit, and one more when one is closed', () => {
    const { zero, one } = makeRow()
    expect([zero.acquire(3), one.acquire(3), one.acquire(3), zero.acquire(3), one.acquire(3)]).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
    expect([zero.count(), zero.countOf(0), zero.countOf(1)]).toEqual([3, 1, 2])
    one.release()
    expect([zero.acquire(3), one.acquire(3)]).toEqual([true, false])
  })

  it('takes none while more stand than a new limit allows', () => {
    const { zero } = makeRow()
    for (let i = 0; i < 4; i++) zero.acquire(10)
    expect(zero.acquire(2)).toBe(false)
    for (let i = 0; i < 3; i++) zero.release()
    expect([zero.acquire(2), zero.acquire(2)]).toEqual([true, false])
  })

  it('keeps rows apart', () => {
    const { ledger, zero } = makeRow()
    zero.acquire(1)
    const next = ledger.listener(1, 0)
    expect(next.count()).toBe(0)
    expect(next.acquire(1)).toBe(true)
    next.clear()
    expect([zero.count(), next.count()]).toEqual([1, 0])
  })

  it('gives back what a dead worker had open, and nothing else', () => {
    const { ledger, zero, one } = makeRow()
    zero.acquire(9)
    one.acquire(9)
    one.acquire(9)
    expect(ledger.sharesOf(1)).toEqual({ inflight: 0, connections: 2 })
    ledger.takeBack(1)
    expect(ledger.settle()).toBe(true)
    expect([zero.count(), zero.countOf(0), zero.countOf(1)]).toEqual([1, 1, 0])
  })

  it.each([
    ['was counted in the total and not yet in its share', 1, 0],
    ['was taken from the total and not yet from its share', -1, 0],
    ['had taken nothing yet', 0, 0],
  ])('is right again after a worker died when its last connection %s', (_, inTotal, inShare) => {
    const { ledger, ints, zero, one } = makeRow()
    zero.acquire(9)
    one.acquire(9)
    Atomics.add(ints, versionOfOne, 1)
    Atomics.add(ints, total, inTotal)
    Atomics.add(ints, shareOfOne, inShare)
    ledger.takeBack(1)
    expect(ledger.settle()).toBe(true)
    expect(zero.count()).toBe(1)
    expect(ledger.settle()).toBe(true)
    expect(zero.count()).toBe(1)
  })

  it('leaves the total alone while some worker is between its stores, and mends it afterwards', () => {
    const { ledger, ints, zero, one } = makeRow()
    one.acquire(9)
    Atomics.add(ints, total, 1)
    Atomics.add(ints, versionOfOne, 1)
    expect(ledger.settle()).toBe(false)
    expect(zero.count()).toBe(2)
    Atomics.add(ints, shareOfOne, 1)
    Atomics.add(ints, versionOfOne, 1)
    expect(ledger.settle()).toBe(true)
    expect(zero.count()).toBe(2)
  })
})
