import type { SeriesAnnouncement, SeriesRetirement } from '../core/series.ts'

/** Departed series kept for a scrape that may never come; beyond it the oldest go, so that churn without scrapes is bounded. */
const maxDeparted = 10_000

export type Labels = Readonly<Record<string, string>>

/** One series as a scrape sees it: the sum over all data threads. */
export interface SeriesReading {
  readonly labels: Labels
  readonly values: readonly number[]
}

/** All threads' share of one family and label set. */
interface Entry {
  readonly labels: Labels
  readonly width: number
  /** What retired series and dead threads have counted; stays, so that the sum never goes down. */
  readonly base: number[]
  /** Shared memory that a thread still writes. */
  readonly views: Set<Float64Array>
}

interface LiveSeries {
  readonly family: string
  readonly key: string
  readonly entry: Entry
  readonly view: Float64Array
}

/**
 * The control plane's side of the metric series that data threads keep in shared memory: a scrape reads the memory and
 * sends no message.
 *
 * An entry is live while a thread writes it. Retired by its last writer it is *departed*: shown by one more scrape, then
 * dropped, unless it is announced again before. Left by a dead thread it is *orphaned*: kept while what its labels name is
 * still there, because the thread's replacement announces a series only when it next counts.
 */
export class SeriesStore {
  readonly #gauges: ReadonlySet<string>
  readonly #release: (thread: number, ids: readonly number[]) => void
  readonly #families = new Map<string, Map<string, Entry>>()
  readonly #live = new Map<number, Map<number, LiveSeries>>()
  readonly #departed = new Map<Entry, { family: string; key: string }>()
  readonly #orphaned = new Map<Entry, { family: string; key: string }>()

  /**
   * @param gauges families whose values vanish with their thread instead of adding up
   * @param release tells a thread that the memory of its retired series is read no more
   */
  constructor(gauges: Iterable<string>, release: (thread: number, ids: readonly number[]) => void) {
    this.#gauges = new Set(gauges)
    this.#release = release
  }

  announced(thread: number, series: SeriesAnnouncement): void {
    const { family, labels, width } = series
    const key = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    const entries = this.#entries(family)
    let entry = entries.get(key)
    if (entry === undefined) {
      entry = { labels, width, base: Array.from({ length: width }, () => 0), views: new Set() }
      entries.set(key, entry)
    }
    this.#departed.delete(entry)
    this.#orphaned.delete(entry)
    const view = new Float64Array(series.buffer, series.offset * Float64Array.BYTES_PER_ELEMENT, width)
    entry.views.add(view)
    let ofThread = this.#live.get(thread)
    if (ofThread === undefined) this.#live.set(thread, (ofThread = new Map()))
    ofThread.set(series.id, { family, key, entry, view })
  }

  /** The series' last values are in the message, so its memory is released at once. */
  retired(thread: number, retirement: SeriesRetirement): void {
    const ofThread = this.#live.get(thread)
    const series = ofThread?.get(retirement.id)
    if (series === undefined) return
    ofThread?.delete(retirement.id)
    this.#detach(series, retirement.values)
    if (series.entry.views.size === 0) this.#depart(series)
    this.#release(thread, [retirement.id])
  }

  /** A thread that is gone: its counts are kept, its gauges are not. */
  threadGone(thread: number): void {
    const ofThread = this.#live.get(thread)
    if (ofThread === undefined) return
    this.#live.delete(thread)
    for (const series of ofThread.values()) {
      this.#detach(series, series.view)
      if (series.entry.views.size > 0) continue
      if (this.#gauges.has(series.family)) this.#entries(series.family).delete(series.key)
      else this.#orphaned.set(series.entry, { family: series.family, key: series.key })
    }
  }

  /** Sums of one family now; orphaned and departed series included. */
  read(family: string): SeriesReading[] {
    return Array.from(this.#families.get(family)?.values() ?? [], ({ labels, base, views }) => {
      const values = [...base]
      for (const view of views) addTo(values, view)
      return { labels, values }
    })
  }

  /**
   * Ends a scrape: what had departed has now been shown once more and goes; orphans whose labels name nothing that is
   * still there depart.
   */
  scraped(isCurrent: (labels: Labels) => boolean): void {
    for (const { family, key } of this.#departed.values()) this.#entries(family).delete(key)
    this.#departed.clear()
    for (const [entry, place] of this.#orphaned) {
      if (isCurrent(entry.labels)) continue
      this.#orphaned.delete(entry)
      this.#departed.set(entry, place)
    }
  }

  #entries(family: string): Map<string, Entry> {
    let entries = this.#families.get(family)
    if (entries === undefined) this.#families.set(family, (entries = new Map()))
    return entries
  }

  #detach({ family, entry, view }: LiveSeries, values: ArrayLike<number>): void {
    entry.views.delete(view)
    if (!this.#gauges.has(family)) addTo(entry.base, values)
  }

  #depart({ family, key, entry }: LiveSeries): void {
    this.#departed.set(entry, { family, key })
    if (this.#departed.size <= maxDeparted) return
    const oldest = this.#departed.entries().next().value
    if (oldest === undefined) return
    this.#departed.delete(oldest[0])
    this.#entries(oldest[1].family).delete(oldest[1].key)
  }
}

function addTo(sum: number[], values: ArrayLike<number>): void {
  for (const [i, value] of sum.entries()) sum[i] = value + (values[i] ?? 0)
}
