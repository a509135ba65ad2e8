const segmentDoubles = 4096

/** One metric series of one data thread: `width` doubles at `offset`. Only its thread writes. */
export interface SeriesCells {
  readonly id: number
  readonly values: Float64Array
  readonly offset: number
}

/** How the control plane learns where a series lies; the buffer is shared, so a scrape needs no message. */
export interface SeriesAnnouncement {
  readonly id: number
  readonly family: string
  readonly labels: Readonly<Record<string, string>>
  readonly buffer: SharedArrayBuffer
  readonly offset: number
  readonly width: number
}

/** Last values of a series whose endpoint or route is gone. The space is used again after `release(id)`. */
export interface SeriesRetirement {
  readonly id: number
  readonly values: readonly number[]
}

/**
 * Allots metric series in shared memory for one data thread. A counter is 1 wide; a histogram is one double per bucket,
 * one for the overflow and one for the sum. Doubles never wrap.
 */
export class SeriesWriter {
  readonly #announce: (series: SeriesAnnouncement) => void
  readonly #retired: (series: SeriesRetirement) => void
  readonly #waiting = new Map<number, { cells: SeriesCells; width: number }>()
  readonly #free = new Map<number, SeriesCells[]>()
  readonly #widths = new Map<number, number>()
  #segment: Float64Array<SharedArrayBuffer> = new Float64Array(new SharedArrayBuffer(segmentDoubles * 8))
  #used = 0
  #nextId = 1

  constructor(announce: (series: SeriesAnnouncement) => void, retired: (series: SeriesRetirement) => void) {
    this.#announce = announce
    this.#retired = retired
  }

  allot(family: string, labels: Readonly<Record<string, string>>, width: number): SeriesCells {
    const { values, offset } = this.#free.get(width)?.pop() ?? this.#carve(width)
    const id = this.#nextId++
    this.#widths.set(id, width)
    this.#announce({ id, family, labels, buffer: values.buffer as SharedArrayBuffer, offset, width })
    return { id, values, offset }
  }

  /** The series ends: hands over its last values. */
  retire(cells: SeriesCells): void {
    const width = this.#widths.get(cells.id)
    if (width === undefined) return
    this.#widths.delete(cells.id)
    this.#waiting.set(cells.id, { cells, width })
    this.#retired({ id: cells.id, values: [...cells.values.subarray(cells.offset, cells.offset + width)] })
  }

  /** The control plane no longer reads that series: its space may be used again. */
  release(id: number): void {
    const retired = this.#waiting.get(id)
    if (retired === undefined) return
    this.#waiting.delete(id)
    const { cells, width } = retired
    cells.values.fill(0, cells.offset, cells.offset + width)
    const free = this.#free.get(width)
    if (free === undefined) this.#free.set(width, [cells])
    else free.push(cells)
  }

  #carve(width: number): { values: Float64Array; offset: number } {
    if (this.#used + width > segmentDoubles) {
      this.#segment = new Float64Array(new SharedArrayBuffer(segmentDoubles * 8))
      this.#used = 0
    }
    const offset = this.#used
    this.#used += width
    return { values: this.#segment, offset }
  }
}
