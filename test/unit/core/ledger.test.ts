import { describe, expect, it } from 'vitest'
import { Ledger } from '../../../src/core/ledger.ts'

/** A Ledger of two workers with room for one segment of each kind. */
function makeLedger(): Ledger {
  const ledger = Ledger.create(2, 0)
  ledger.reserve(1, 1)
  return ledger
}

describe('Ledger', () => {
  it('has no rows before it has reserved them', () => {
    const ledger = Ledger.create(2, 0)
    expect(() => ledger.endpoint(0, 0)).toThrow('no ledger segment holds endpoint row 0')
    expect(() => ledger.service(0)).toThrow('no ledger segment holds service row 0')
  })

  it('says when it grew, and keeps what was counted before', () => {
    const ledger = Ledger.create(1, 0)
    expect(ledger.reserve(1024, 1)).toBe(true)
    const cell = ledger.endpoint(1023, 0)
    cell.acquire()
    expect(ledger.reserve(1024, 1)).toBe(false)
    expect(ledger.reserve(1025, 1)).toBe(true)
    expect(ledger.reserve(1025, 1025)).toBe(true)
    expect(cell.inflight()).toBe(1)
    expect(ledger.endpoint(1023, 0).inflight()).toBe(1)
    expect(ledger.endpoint(1024, 0).inflight()).toBe(0)
    expect(() => ledger.endpoint(2048, 0)).toThrow(RangeError)
  })

  it('keeps rows and workers apart', () => {
    const ledger = makeLedger()
    ledger.reserve(4, 4)
    ledger.endpoint(1, 0).acquire()
    ledger.endpoint(2, 1).count(true)
    ledger.endpoint(2, 1).eject('manual')
    ledger.service(1).bumpEpoch()
    for (const slot of [0, 3]) {
      const cell = ledger.endpoint(slot, 0)
      expect([cell.inflight(), cell.requests(), cell.failures(), cell.ejection()]).toEqual([0, 0, 0, null])
    }
    expect(ledger.endpoint(1, 1).inflight()).toBe(1)
    expect(ledger.endpoint(1, 1).requests()).toBe(0)
    expect([0, 1, 2].map((slot) => ledger.service(slot).epoch())).toEqual([0, 1, 0])
  })

  it('is one memory for all that hold its shape, segments added later included', () => {
    const control = makeLedger()
    const thread = new Ledger(structuredClone(control.shape()))
    control.reserve(3000, 1500)
    expect(() => thread.endpoint(2999, 0)).toThrow(RangeError)
    thread.attach(control.shape())
    thread.attach(control.shape())
    thread.endpoint(2999, 1).acquire()
    thread.service(1499).bumpEpoch()
    expect(control.endpoint(2999, -1).inflight()).toBe(1)
    expect(control.service(1499).epoch()).toBe(1)
    expect(thread.shape().endpoints).toHaveLength(3)
  })

  it('takes back exactly what a dead worker had in flight', () => {
    const ledger = makeLedger()
    ledger.reserve(1100, 1)
    for (const slot of [0, 5, 1099]) {
      ledger.endpoint(slot, 0).acquire()
      ledger.endpoint(slot, 1).acquire()
      ledger.endpoint(slot, 1).acquire()
    }
    ledger.takeBack(1)
    for (const slot of [0, 5, 1099]) expect(ledger.endpoint(slot, -1).inflight()).toBe(1)
    ledger.takeBack(1)
    ledger.takeBack(0)
    for (const slot of [0, 5, 1099]) expect(ledger.endpoint(slot, -1).inflight()).toBe(0)
  })

  it('leaves everything but the share in flight when it takes back', () => {
    const ledger = makeLedger()
    const cell = ledger.endpoint(0, 1)
    cell.count(true)
    cell.addConsecutiveFailure()
    cell.eject('consecutive')
    ledger.takeBack(1)
    expect([cell.requests(), cell.consecutiveFailures(), cell.ejection()]).toEqual([1, 1, 'consecutive'])
  })

  it('writes times as deciseconds since its origin, never too early', () => {
    const ledger = Ledger.create(1, 5_000_000)
    expect(ledger.toDeciseconds(5_000_000)).toBe(0)
    expect(ledger.toDeciseconds(5_000_101)).toBe(2)
    expect(ledger.fromDeciseconds(2)).toBe(5_000_200)
  })
})

describe('EndpointCell', () => {
  it('counts requests and failures over all workers', () => {
    const ledger = makeLedger()
    ledger.endpoint(0, 0).count(false)
    ledger.endpoint(0, 0).count(true)
    ledger.endpoint(0, 1).count(true)
    const cell = ledger.endpoint(0, -1)
    expect(cell.requests()).toBe(3)
    expect(cell.failures()).toBe(2)
  })

  it('counts exchanges in flight over all workers', () => {
    const ledger = makeLedger()
    const [a, b] = [ledger.endpoint(0, 0), ledger.endpoint(0, 1)]
    a.acquire()
    b.acquire()
    expect(a.inflight()).toBe(2)
    a.release()
    expect(b.inflight()).toBe(1)
  })

  it('is ejected by exactly one of several callers, and restored by one', () => {
    const ledger = makeLedger()
    const [a, b] = [ledger.endpoint(0, 0), ledger.endpoint(0, 1)]
    expect(a.eject('connect')).toBe(true)
    expect(b.eject('consecutive')).toBe(false)
    expect(b.ejection()).toBe('connect')
    expect(b.restore()).toBe(true)
    expect(a.restore()).toBe(false)
    expect(a.ejection()).toBeNull()
  })

  it.each(['connect', 'consecutive', 'success-rate', 'manual'] as const)('tells the reason %s', (reason) => {
    const cell = makeLedger().endpoint(0, 0)
    cell.eject(reason)
    expect(cell.ejection()).toBe(reason)
  })

  it('turns one ejection into another only where the first still holds', () => {
    const cell = makeLedger().endpoint(0, 0)
    expect(cell.replaceEjection('consecutive', 'connect')).toBe(false)
    expect(cell.ejection()).toBeNull()
    cell.eject('consecutive')
    expect(cell.replaceEjection('consecutive', 'connect')).toBe(true)
    expect(cell.replaceEjection('consecutive', 'connect')).toBe(false)
    expect(cell.ejection()).toBe('connect')
  })

  it('counts failures in a row until one is cleared or the endpoint is restored', () => {
    const ledger = makeLedger()
    const [a, b] = [ledger.endpoint(0, 0), ledger.endpoint(0, 1)]
    expect([a.addConsecutiveFailure(), b.addConsecutiveFailure(), a.addConsecutiveFailure()]).toEqual([1, 2, 3])
    b.clearConsecutiveFailures()
    expect(a.addConsecutiveFailure()).toBe(1)
    a.restore()
    expect(b.consecutiveFailures()).toBe(0)
  })

  it('keeps how often it was ejected and until when', () => {
    const cell = makeLedger().endpoint(0, 0)
    cell.setEjectedTimes(3)
    cell.setEjectedUntil(2 ** 31 - 1)
    cell.eject('consecutive')
    cell.restore()
    expect([cell.ejectedTimes(), cell.ejectedUntil()]).toEqual([3, 2 ** 31 - 1])
  })

  it('averages latency, beginning with the first one measured', () => {
    const cell = makeLedger().endpoint(0, 0)
    expect(cell.latencyMs()).toBe(0)
    cell.addLatency(8)
    expect(cell.latencyMs()).toBe(8)
    cell.addLatency(16)
    expect(cell.latencyMs()).toBe(9)
    for (let i = 0; i < 100; i++) cell.addLatency(1)
    expect(cell.latencyMs()).toBeCloseTo(1, 1)
    cell.addLatency(1e12)
    expect(cell.latencyMs()).toBeGreaterThan(0)
  })

  it('is as new after it was cleared, and its neighbours untouched', () => {
    const ledger = makeLedger()
    const cells = [0, 1, 2].map((slot) => ledger.endpoint(slot, 1))
    for (const cell of cells) {
      cell.acquire()
      cell.count(true)
      cell.addConsecutiveFailure()
      cell.eject('connect')
      cell.setEjectedTimes(2)
      cell.setEjectedUntil(9)
      cell.addLatency(5)
    }
    cells[1]!.clear()
    const read = cells.map((cell) => [
      cell.inflight(),
      cell.requests(),
      cell.failures(),
      cell.consecutiveFailures(),
      cell.ejection(),
      cell.ejectedTimes(),
      cell.ejectedUntil(),
      cell.latencyMs(),
    ])
    const used = [1, 1, 1, 1, 'connect', 2, 9, 5]
    expect(read).toEqual([used, [0, 0, 0, 0, null, 0, 0, 0], used])
    ledger.takeBack(1)
    expect(cells.map((cell) => cell.inflight())).toEqual([0, 0, 0])
  })
})

describe('ServiceCell', () => {
  it('gives out retries while whole ones are in the budget', () => {
    const cell = makeLedger().service(0)
    expect(cell.withdrawRetry()).toBe(false)
    cell.depositRetry(1200, 10_000)
    cell.depositRetry(700, 10_000)
    expect([cell.withdrawRetry(), cell.withdrawRetry()]).toEqual([true, false])
    cell.depositRetry(100, 10_000)
    expect(cell.withdrawRetry()).toBe(true)
  })

  it('takes no deposits once the budget is full', () => {
    const cell = makeLedger().service(0)
    for (let i = 0; i < 100; i++) cell.depositRetry(200, 2000)
    const given = Array.from({ length: 5 }, () => cell.withdrawRetry())
    expect(given).toEqual([true, true, false, false, false])
  })

  it('lets one caller claim the time since the last refill', () => {
    const ledger = makeLedger()
    const [a, b] = [ledger.service(0), ledger.service(0)]
    expect(a.claimRefill(10)).toBe(10)
    expect(b.claimRefill(10)).toBe(0)
    expect(b.claimRefill(9)).toBe(0)
    expect(b.claimRefill(13)).toBe(3)
  })

  it('is as new after it was cleared, and its neighbours untouched', () => {
    const ledger = makeLedger()
    const cells = [0, 1, 2].map((slot) => ledger.service(slot))
    for (const cell of cells) {
      cell.bumpEpoch()
      cell.depositRetry(1000, 1000)
      cell.claimRefill(5)
    }
    cells[1]!.clear()
    expect(cells.map((cell) => cell.epoch())).toEqual([1, 0, 1])
    expect(cells.map((cell) => cell.withdrawRetry())).toEqual([true, false, true])
    expect(cells.map((cell) => cell.claimRefill(6))).toEqual([1, 6, 1])
  })
})
