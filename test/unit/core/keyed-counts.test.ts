import { describe, expect, it } from 'vitest'
import { KeyedCounts, maxKeyLength, noRoom, overLimit } from '../../../src/core/keyed-counts.ts'

const workers = 2
const rowsPerBucket = 16

/** The same table as two workers see it. */
function makeTable(rows = 1024) {
  const shared = KeyedCounts.create(workers, rows, [1234, -5678])
  return { shared, zero: new KeyedCounts(shared, workers, 0), one: new KeyedCounts(shared, workers, 1) }
}

/** The lock of the first bucket. */
const firstLock = 2

describe('KeyedCounts', () => {
  it('counts a key over all workers, up to the limit', () => {
    const { zero, one } = makeTable()
    const rows = [zero.acquire('10.0.0.1', 2), one.acquire('10.0.0.1', 2)]
    expect(rows[0]).toBe(rows[1])
    expect([zero.acquire('10.0.0.1', 2), one.acquire('10.0.0.1', 2)]).toEqual([overLimit, overLimit])
    expect(zero.acquire('10.0.0.1', 3)).toBe(rows[0])
    expect(zero.count('10.0.0.1')).toBe(3)
  })

  it('lets one more in when one is released', () => {
    const { zero, one } = makeTable()
    const row = zero.acquire('::1', 1)
    expect(one.acquire('::1', 1)).toBe(overLimit)
    zero.release(row)
    expect(one.acquire('::1', 1)).toBeGreaterThanOrEqual(0)
    expect(zero.acquire('::1', 1)).toBe(overLimit)
  })

  it('never counts two keys as one, however alike they are', () => {
    const { zero } = makeTable()
    const keys = ['', 'a', 'aa', 'aaa', 'aaaa', 'aaaaa', 'a\0', 'a\0\0', '\0', 'aaab', 'baaa', 'é', '\u00ff']
    for (const [i, key] of keys.entries()) for (let n = 0; n <= i; n++) zero.acquire(key, Infinity)
    expect(keys.map((key) => zero.count(key))).toEqual(keys.map((_, i) => i + 1))
  })

  it('keeps keys that share a bucket apart', () => {
    const { zero } = makeTable(rowsPerBucket)
    const rows = Array.from({ length: rowsPerBucket }, (_, i) => zero.acquire(`10.0.0.${i}`, 1))
    expect(new Set(rows).size).toBe(rowsPerBucket)
    expect(rows.map((_, i) => zero.count(`10.0.0.${i}`))).toEqual(rows.map(() => 1))
  })

  it('has no room for a new key when its bucket is full, and does for those it holds', () => {
    const { zero, one } = makeTable(rowsPerBucket)
    const rows = Array.from({ length: rowsPerBucket }, (_, i) => zero.acquire(`10.0.0.${i}`, 5))
    expect(one.acquire('10.0.1.0', 5)).toBe(noRoom)
    expect(one.acquire('10.0.0.3', 5)).toBe(rows[3])
    zero.release(rows[7] as number)
    expect(one.acquire('10.0.1.0', 5)).toBe(rows[7])
    expect(one.count('10.0.0.7')).toBe(0)
  })

  it('forgets a key with its last count, and finds it again under any row', () => {
    const { zero, one } = makeTable(rowsPerBucket)
    for (let i = 0; i < 1000; i++) {
      const row = zero.acquire(`client ${i}`, 1)
      expect(one.count(`client ${i}`)).toBe(1)
      zero.release(row)
      expect(one.count(`client ${i}`)).toBe(0)
    }
  })

  it('spreads four keys per bucket so that none is refused', () => {
    const { zero } = makeTable(4096 * 4)
    const refused = Array.from({ length: 4096 }, (_, i) => zero.acquire(`2001:db8::${i.toString(16)}`, 1)).filter(
      (row) => row < 0,
    )
    expect(refused).toEqual([])
  })

  it('spreads keys in another way under another secret', () => {
    const buckets = [0, 1].map((secret) => {
      const table = new KeyedCounts(KeyedCounts.create(workers, 16 * 256, [secret, 0]), workers, 0)
      return Array.from({ length: 64 }, (_, i) => Math.floor(table.acquire(`10.0.0.${i}`, 1) / rowsPerBucket))
    })
    const same = buckets[0]?.filter((bucket, i) => bucket === buckets[1]?.[i]) ?? []
    expect(same.length).toBeLessThan(8)
  })

  it('takes back what a dead worker held, and only that', () => {
    const { zero, one } = makeTable()
    zero.acquire('both', 9)
    one.acquire('both', 9)
    one.acquire('both', 9)
    one.acquire('gone', 9)
    zero.takeBack(1)
    expect([zero.count('both'), zero.count('gone')]).toEqual([1, 0])
  })

  it('opens a lock that a dead worker held, and those of the living not', () => {
    const { shared, zero } = makeTable(rowsPerBucket)
    const ints = new Int32Array(shared)
    Atomics.store(ints, firstLock, 1 + 1)
    expect(zero.acquire('10.0.0.1', 1)).toBe(noRoom)
    zero.takeBack(0)
    expect(zero.acquire('10.0.0.1', 1)).toBe(noRoom)
    zero.takeBack(1)
    expect(zero.acquire('10.0.0.1', 1)).toBeGreaterThanOrEqual(0)
  })

  it('refuses keys that no row can hold', () => {
    const { zero } = makeTable()
    expect(zero.acquire('x'.repeat(maxKeyLength), 1)).toBeGreaterThanOrEqual(0)
    expect(() => zero.acquire('x'.repeat(maxKeyLength + 1), 1)).toThrow('a key has 60 characters at most, not 61')
    expect(() => zero.acquire('€', 1)).toThrow('a key has characters up to U+00FF only, unlike "€"')
  })
})
