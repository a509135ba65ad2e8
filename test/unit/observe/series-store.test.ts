import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { increment } from '../../../src/core/meter.ts'
import { SeriesWriter, type SeriesCells } from '../../../src/core/series.ts'
import { SeriesStore } from '../../../src/observe/series-store.ts'

const family = 'tidegate_upstream_requests_total'
const gauge = 'tidegate_connections'
const labels = { service: 'users', instance: 'a' }
const all = () => true
const none = () => false

/** A store with the writers of data threads whose messages reach it at once. */
function connect() {
  const released: [number, readonly number[]][] = []
  const writers = new Map<number, SeriesWriter>()
  const store = new SeriesStore([gauge], (thread, ids) => {
    released.push([thread, ids])
    for (const id of ids) writers.get(thread)?.release(id)
  })
  const writer = (thread: number): SeriesWriter => {
    const made = new SeriesWriter(
      (series) => store.announced(thread, series),
      (retirement) => store.retired(thread, retirement),
    )
    writers.set(thread, made)
    return made
  }
  return { store, writer, released }
}

function count(cells: SeriesCells, times: number): void {
  for (let i = 0; i < times; i++) increment(cells)
}

function values(store: SeriesStore, of = family): number[][] {
  return store.read(of).map((reading) => [...reading.values])
}

describe('SeriesStore', () => {
  test('sums equal labels over all threads, whatever their order', () => {
    const { store, writer } = connect()
    count(writer(0).allot(family, { service: 'users', instance: 'a' }, 1), 2)
    count(writer(1).allot(family, { instance: 'a', service: 'users' }, 1), 3)
    expect(store.read(family)).toEqual([{ labels, values: [5] }])
  })

  test('tells labels apart whose values only look alike when joined', () => {
    const { store, writer } = connect()
    const thread = writer(0)
    thread.allot(family, { service: 'a","instance":"b', instance: 'c' }, 1)
    thread.allot(family, { service: 'a', instance: 'b","instance":"c' }, 1)
    expect(store.read(family)).toHaveLength(2)
  })

  test('reads what a thread counts later, without another message', () => {
    const { store, writer } = connect()
    const cells = writer(0).allot(family, labels, 1)
    expect(values(store)).toEqual([[0]])
    count(cells, 7)
    expect(values(store)).toEqual([[7]])
  })

  test('shows a departed series in one more scrape', () => {
    const { store, writer } = connect()
    const thread = writer(0)
    const cells = thread.allot(family, labels, 1)
    count(cells, 4)
    thread.retire(cells)
    expect(values(store)).toEqual([[4]])
    store.scraped(all)
    expect(values(store)).toEqual([])
  })

  test('tells the thread at once that its memory is read no more', () => {
    const { store, writer, released } = connect()
    const thread = writer(3)
    const cells = thread.allot(family, labels, 1)
    count(cells, 4)
    thread.retire(cells)
    expect(released).toEqual([[3, [cells.id]]])
    count(thread.allot(family, { service: 'users', instance: 'b' }, 1), 9)
    expect(store.read(family)).toContainEqual({ labels, values: [4] })
  })

  test('keeps the sum while one thread has let go of an endpoint and another has not', () => {
    const { store, writer } = connect()
    const [first, second] = [writer(0), writer(1)]
    const cells = first.allot(family, labels, 1)
    const others = second.allot(family, labels, 1)
    count(cells, 4)
    count(others, 1)
    first.retire(cells)
    store.scraped(all)
    store.scraped(all)
    count(others, 1)
    expect(values(store)).toEqual([[6]])
    second.retire(others)
    expect(values(store)).toEqual([[6]])
  })

  test('counts on where it was when an endpoint leaves and comes back with the same labels', () => {
    const { store, writer } = connect()
    const thread = writer(0)
    const cells = thread.allot(family, labels, 1)
    count(cells, 4)
    thread.retire(cells)
    count(thread.allot(family, labels, 1), 1)
    expect(values(store)).toEqual([[5]])
    store.scraped(all)
    expect(values(store)).toEqual([[5]])
  })

  test('begins at zero when an endpoint comes back after its series went', () => {
    const { store, writer } = connect()
    const thread = writer(0)
    const cells = thread.allot(family, labels, 1)
    count(cells, 4)
    thread.retire(cells)
    store.scraped(all)
    count(thread.allot(family, labels, 1), 1)
    expect(values(store)).toEqual([[1]])
  })

  test("keeps a dead thread's counts, and adds its replacement's", () => {
    const { store, writer } = connect()
    count(writer(0).allot(family, labels, 1), 4)
    store.threadGone(0)
    store.scraped(all)
    expect(values(store)).toEqual([[4]])
    count(writer(0).allot(family, labels, 1), 2)
    expect(values(store)).toEqual([[6]])
  })

  test("forgets a dead thread's gauges and keeps those of the others", () => {
    const { store, writer } = connect()
    const [first, second] = [writer(0), writer(1)]
    first.allot(gauge, { listener: 'edge' }, 1).values[0] = 30
    second.allot(gauge, { listener: 'edge' }, 1).values[0] = 12
    store.threadGone(0)
    expect(values(store, gauge)).toEqual([[12]])
    store.threadGone(1)
    expect(values(store, gauge)).toEqual([])
  })

  test('shows a closed listener with no connections, once', () => {
    const { store, writer } = connect()
    const thread = writer(0)
    const cells = thread.allot(gauge, { listener: 'edge' }, 1)
    cells.values[cells.offset] = 5
    thread.retire(cells)
    expect(values(store, gauge)).toEqual([[0]])
    store.scraped(all)
    expect(values(store, gauge)).toEqual([])
  })

  test('drops what a dead thread left once its labels name nothing any more, after one more scrape', () => {
    const { store, writer } = connect()
    count(writer(0).allot(family, labels, 1), 4)
    store.threadGone(0)
    store.scraped(none)
    expect(values(store)).toEqual([[4]])
    store.scraped(none)
    expect(values(store)).toEqual([])
  })

  test('stays bounded when instances come and go and nobody scrapes', () => {
    const { store, writer } = connect()
    const thread = writer(0)
    for (let i = 0; i < 12_000; i++) thread.retire(thread.allot(family, { instance: String(i) }, 1))
    const readings = store.read(family)
    expect(readings).toHaveLength(10_000)
    expect(readings.at(-1)?.labels).toEqual({ instance: '11999' })
  })

  test('ignores the retirement of a series it does not know', () => {
    const { store, released } = connect()
    store.retired(0, { id: 17, values: [1] })
    expect(released).toEqual([])
  })

  test('never lets a visible sum go down, whatever threads do', () => {
    const step = fc.record({
      act: fc.constantFrom('count', 'count', 'count', 'retire', 'die', 'scrape'),
      thread: fc.integer({ min: 0, max: 2 }),
    })
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { store, writer } = connect()
      const threads = [0, 1, 2].map((id) => ({ id, writer: writer(id), cells: null as SeriesCells | null }))
      const visible = steps.map(({ act, thread }) => {
        const own = threads[thread]
        if (own === undefined) throw new RangeError(`no thread ${thread}`)
        if (act === 'count') count((own.cells ??= own.writer.allot(family, labels, 1)), 1)
        else if (act === 'scrape') store.scraped(all)
        else {
          if (act === 'die') {
            store.threadGone(own.id)
            own.writer = writer(own.id)
          } else if (own.cells !== null) own.writer.retire(own.cells)
          own.cells = null
        }
        return values(store)[0]?.[0] ?? null
      })
      return visible.every((sum, i) => sum === null || sum >= (visible[i - 1] ?? 0))
    })
    expect(fc.check(property).failed).toBe(false)
  })
})
