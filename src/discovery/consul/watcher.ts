import { isDeepStrictEqual } from 'node:util'
import { AnswerBox } from '../answer-box.ts'
import type { SkippedEntry } from '../contract.ts'
import type { Reading } from './client.ts'
import { readInstances, type ServiceReading, type ServiceRows } from './instances.ts'

export interface WatcherOptions {
  readonly onSkipped: (entry: SkippedEntry) => void
  readonly filter?: string | null | undefined
  /** See ConsulOptions. */
  readonly routeTags?: string | null
}

/**
 * One running watch. Whoever reads the service, its own loop or the shared polls, hands the readings in; the watch compares
 * them with what its consumer has, so that the two can replace each other without an answer being lost or repeated.
 */
export class Watcher {
  readonly service: string
  /** What the registry is to choose its instances by; null = all. */
  readonly filter: string | null
  readonly box = new AnswerBox()
  readonly #routeTags: string | null
  readonly #onSkipped: (entry: SkippedEntry) => void
  /** The last one. */
  #reading: ServiceReading | null = null
  #position = 0
  #mayHaveForgotten = false

  constructor(service: string, { onSkipped, filter = null, routeTags = null }: WatcherOptions) {
    this.service = service
    this.filter = filter
    this.#routeTags = routeTags
    this.#onSkipped = onSkipped
  }

  /** The registry lists no usable instance, or has not answered yet. */
  get isEmpty(): boolean {
    return this.#reading === null || this.#reading.instances.length === 0
  }

  /** Whether instances may come or change without any check of the service changing. */
  get isUnchecked(): boolean {
    return this.isEmpty || (this.#reading?.hasUnchecked ?? false)
  }

  isOn(node: string): boolean {
    return this.#reading?.instances.some((instance) => instance.node === node) ?? false
  }

  /** The next reading may lack what the registry has forgotten, whatever its own index says. */
  doubt(): void {
    this.#mayHaveForgotten = true
  }

  /** Whether a reading is older than what was taken before, with nothing known that explains it. */
  isAheadOf({ index }: Reading<ServiceRows>): boolean {
    return !this.#mayHaveForgotten && index < this.#position
  }

  /** Takes a reading of `/v1/health/service/:service`; returns whether its consumer gets a new answer. */
  accept({ body, index }: Reading<ServiceRows>): boolean {
    const before = this.#reading
    const reading = readInstances(this.service, body, this.#routeTags, before ?? undefined)
    const { instances } = reading
    this.#report(reading.skipped, before?.skipped ?? [])
    const mayHaveForgotten = this.#mayHaveForgotten || index < this.#position
    const hasChanged = mayHaveForgotten || !isDeepStrictEqual(instances, before?.instances)
    this.#reading = reading
    this.#position = index
    this.#mayHaveForgotten = false
    if (hasChanged) this.box.put({ instances, position: index, mayHaveForgotten })
    return hasChanged
  }

  /** Each bad entry once, not with every answer. */
  #report(now: readonly SkippedEntry[], before: readonly SkippedEntry[]): void {
    if (now.length === 0) return
    const said = new Set(before.map(textOf))
    for (const entry of now) {
      if (said.has(textOf(entry))) continue
      said.add(textOf(entry))
      this.#onSkipped(entry)
    }
  }
}

function textOf({ entry, reason }: SkippedEntry): string {
  return `${entry}\n${reason}`
}
