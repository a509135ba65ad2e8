import { isDeepStrictEqual } from 'node:util'
import { AnswerBox } from '../answer-box.ts'
import type { DiscoveryContext } from '../context.ts'
import { DiscoveryError, type SkippedEntry } from '../contract.ts'
import { answerFor, type StaticInstance } from '../static.ts'
import type { ListedService } from './instance-file.ts'
import type { Reading } from './watched-file.ts'

const unlisted: ListedService = { instances: [], skipped: [] }

/** One running watch of a service in the file. */
export class FileWatcher {
  readonly box = new AnswerBox()
  readonly #service: string
  readonly #path: string
  readonly #context: DiscoveryContext
  /** The reading that was in vain the last time, and is no news. */
  readonly #told: Reading | undefined
  #failedOf: Reading | null = null
  #listed: readonly StaticInstance[] | null = null
  #skippedBefore: readonly SkippedEntry[] = []

  constructor(parts: {
    readonly service: string
    readonly path: string
    readonly context: DiscoveryContext
    readonly told: Reading | undefined
  }) {
    this.#service = parts.service
    this.#path = parts.path
    this.#context = parts.context
    this.#told = parts.told
  }

  /** The reading that ended the watch with an error. */
  get failedOf(): Reading | null {
    return this.#failedOf
  }

  take(reading: Reading): void {
    if (reading === this.#told || !this.box.isOpen) return
    const error = 'error' in reading ? reading.error : this.#takeList(reading.file.get(this.#service) ?? unlisted)
    if (error === null) return
    this.#failedOf = reading
    this.box.fail(error)
  }

  /** @returns why it can't be used */
  #takeList({ instances, skipped }: ListedService): DiscoveryError | null {
    this.#report(skipped)
    if (instances.length === 0 && skipped.length > 0) {
      return new DiscoveryError('unreadable', `${this.#path} lists nothing for ${this.#service} that can be used`)
    }
    if (isDeepStrictEqual(instances, this.#listed)) return null
    this.#listed = instances
    this.box.put(answerFor(this.#service, instances, this.#context))
    return null
  }

  /** Each bad entry once, not with every reading. */
  #report(skipped: ListedService['skipped']): void {
    const now = skipped.map((entry) => ({ service: this.#service, ...entry }))
    const isKnown = (entry: SkippedEntry) => this.#skippedBefore.some((known) => isDeepStrictEqual(known, entry))
    for (const entry of now) if (!isKnown(entry)) this.#context.onSkipped(entry)
    this.#skippedBefore = now
  }
}
