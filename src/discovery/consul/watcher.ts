import { isDeepStrictEqual } from 'node:util'
import type { Instance } from '../../core/instance.ts'
import { AnswerBox } from '../answer-box.ts'
import type { SkippedEntry } from '../contract.ts'
import { keptObjects } from '../kept-objects.ts'
import type { Reading } from './client.ts'
import { type KnownRow, readInstances, type ServiceRows } from './instances.ts'

export interface WatcherOptions {
  readonly onSkipped: (entry: SkippedEntry) => void
  readonly filter?: string | null | undefined
  /** See ConsulOptions. */
  readonly routeTags?: string | null
}

const none: ReadonlyMap<string, SkippedEntry> = new Map()

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
  #instances: readonly Instance[] | null = null
  #known: readonly KnownRow[] = []
  #position = 0
  #skipped: ReadonlyMap<string, SkippedEntry> = none
  #mayHaveForgotten = false
  #hasUnchecked = false

  constructor(service: string, { onSkipped, filter = null, routeTags = null }: WatcherOptions) {
    this.service = service
    this.filter = filter
    this.#routeTags = routeTags
    this.#onSkipped = onSkipped
  }

  /** The registry lists no usable instance, or has not answered yet. */
  get isEmpty(): boolean {
    return this.#instances === null || this.#instances.length === 0
  }

  /** Whether instances may come or change without any check of the service changing. */
  get isUnchecked(): boolean {
    return this.isEmpty || this.#hasUnchecked
  }

  isOn(node: string): boolean {
    return this.#instances?.some((instance) => instance.node === node) ?? false
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
    const reading = readInstances(this.service, body, this.#routeTags, this.#known)
    const { skipped, hasUnchecked, known } = reading
    const instances = keptObjects(reading.instances, this.#instances ?? [])
    this.#report(skipped)
    const mayHaveForgotten = this.#mayHaveForgotten || index < this.#position
    const hasChanged = mayHaveForgotten || !isDeepStrictEqual(instances, this.#instances)
    this.#instances = instances
    this.#known = known
    this.#hasUnchecked = hasUnchecked
    this.#position = index
    this.#mayHaveForgotten = false
    if (hasChanged) this.box.put({ instances, position: index, mayHaveForgotten })
    return hasChanged
  }

  /** Each bad entry once, not with every answer. */
  #report(skipped: readonly SkippedEntry[]): void {
    const now =
      skipped.length === 0 ? none : new Map(skipped.map((entry) => [`${entry.entry}\n${entry.reason}`, entry]))
    for (const [key, entry] of now) if (!this.#skipped.has(key)) this.#onSkipped(entry)
    this.#skipped = now
  }
}
