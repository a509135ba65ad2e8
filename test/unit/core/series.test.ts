import { describe, expect, it } from 'vitest'
import type { SeriesAnnouncement } from '../../../src/core/series.ts'
import { recordedSeries } from '../../support/recorded-series.ts'

describe('SeriesWriter', () => {
  it('announces where a series lies, so that the control plane reads what the thread writes', () => {
    const { writer, announced } = recordedSeries()
    const cells = writer.allot('requests', { route: 'r' }, 2)
    cells.values[cells.offset + 1] = 42
    const [series] = announced as [SeriesAnnouncement]
    expect(series).toMatchObject({ id: cells.id, family: 'requests', labels: { route: 'r' }, width: 2 })
    const read = new Float64Array(structuredClone(series.buffer), series.offset * 8, series.width)
    expect([...read]).toEqual([0, 42])
  })

  it('gives every series a number and room of its own, over as many segments as it takes', () => {
    const { writer, announced } = recordedSeries()
    const widths = Array.from({ length: 2000 }, (_, index) => (index % 3 === 0 ? 17 : 1))
    const all = widths.map((width) => writer.allot('f', {}, width))
    for (const [index, cells] of all.entries()) cells.values.fill(index, cells.offset, cells.offset + widths[index]!)
    for (const [index, cells] of all.entries()) {
      const own = cells.values.subarray(cells.offset, cells.offset + widths[index]!)
      expect(own).toHaveLength(widths[index]!)
      expect(own.every((value) => value === index)).toBe(true)
    }
    expect(new Set(all.map(({ id }) => id)).size).toBe(2000)
    expect(new Set(announced.map(({ buffer }) => buffer)).size).toBeGreaterThan(1)
  })

  it('hands over the last values of a series that ends, once', () => {
    const { writer, retired } = recordedSeries()
    const cells = writer.allot('f', {}, 2)
    cells.values.set([3, 4], cells.offset)
    writer.retire(cells)
    writer.retire(cells)
    expect(retired).toEqual([{ id: cells.id, values: [3, 4] }])
  })

  it('uses the room of an ended series only after the control plane released it, and empties it first', () => {
    const { writer } = recordedSeries()
    const old = writer.allot('f', {}, 2)
    old.values.set([3, 4], old.offset)
    writer.retire(old)
    const meanwhile = writer.allot('f', {}, 2)
    expect(meanwhile.offset).not.toBe(old.offset)
    expect([...old.values.subarray(old.offset, old.offset + 2)]).toEqual([3, 4])
    writer.release(old.id)
    writer.release(old.id)
    const next = writer.allot('g', {}, 2)
    expect([next.values, next.offset]).toEqual([old.values, old.offset])
    expect(next.id).not.toBe(old.id)
    expect([...next.values.subarray(next.offset, next.offset + 2)]).toEqual([0, 0])
    expect(writer.allot('g', {}, 2).offset).not.toBe(next.offset)
  })

  it('does not use released room for a series of another width', () => {
    const { writer } = recordedSeries()
    const wide = writer.allot('f', {}, 3)
    writer.retire(wide)
    writer.release(wide.id)
    expect(writer.allot('f', {}, 1).offset).not.toBe(wide.offset)
  })

  it('ignores the release of a series that has not ended', () => {
    const { writer } = recordedSeries()
    const cells = writer.allot('f', {}, 1)
    cells.values[cells.offset] = 5
    writer.release(cells.id)
    expect(cells.values[cells.offset]).toBe(5)
    expect(writer.allot('f', {}, 1).offset).not.toBe(cells.offset)
  })
})
