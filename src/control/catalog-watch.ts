import type { Discovery } from '../discovery/contract.ts'
import { fullJitterMs } from '../util/backoff.ts'
import type { Random } from '../util/random.ts'
import type { ControlClock } from './control-clock.ts'
import { messageOf } from './problem.ts'
import type { SourceOutages } from './source-outages.ts'
import { pause } from './watch.ts'

const minBackoffMs = 100
const maxBackoffMs = 10_000
/** In the place of a service's name: no service is called so. */
const asked = 'its services and their tags'

export interface CatalogWatchOptions {
  readonly discovery: Discovery
  readonly source: string
  /** What the tags begin with that are looked for. */
  readonly prefix: string
  readonly clock: ControlClock
  readonly random: Random
  readonly outages: SourceOutages
  readonly onChange: () => void
}

/** Follows which services of a source have a tag that begins so. An error changes nothing; the last good listing stays. */
export class CatalogWatch {
  readonly #options: CatalogWatchOptions
  readonly #abort = new AbortController()
  readonly #heard = Promise.withResolvers<void>()
  #names: ReadonlySet<string> | null = null
  #failures = 0

  constructor(options: CatalogWatchOptions) {
    this.#options = options
    void this.#run()
  }

  get discovery(): Discovery {
    return this.#options.discovery
  }

  get prefix(): string {
    return this.#options.prefix
  }

  /** Null until the registry has answered. */
  get names(): ReadonlySet<string> | null {
    return this.#names
  }

  /** Resolves when the registry has answered for the first time, or could not. */
  get heard(): Promise<void> {
    return this.#heard.promise
  }

  stop(): void {
    this.#abort.abort()
    this.#options.outages.forget(this.#options.source, asked)
    this.#heard.resolve()
  }

  async #run(): Promise<void> {
    const { discovery, clock, random, source, outages } = this.#options
    const { signal } = this.#abort
    while (!signal.aborted && discovery.list !== undefined) {
      let answeredAtMs = Infinity
      try {
        for await (const listing of discovery.list(signal)) {
          if (signal.aborted) return
          answeredAtMs = Math.min(answeredAtMs, clock.now())
          this.#take(listing)
        }
        if (!signal.aborted) throw new Error('the listing ended by itself')
      } catch (error) {
        if (signal.aborted) return
        // As a watch of instances does.
        this.#failures = clock.now() - answeredAtMs >= maxBackoffMs ? 1 : this.#failures + 1
        outages.failed(source, asked, messageOf(error))
        this.#heard.resolve()
        await pause(fullJitterMs(this.#failures, minBackoffMs, maxBackoffMs, random), clock, signal)
      }
    }
  }

  #take(listing: ReadonlyMap<string, readonly string[]>): void {
    const { prefix, onChange, source, outages } = this.#options
    outages.answered(source, asked)
    const names = new Set<string>()
    for (const [name, tags] of listing) if (tags.some((tag) => tag.startsWith(prefix))) names.add(name)
    const before = this.#names
    this.#names = names
    this.#heard.resolve()
    if (before === null || before.size !== names.size || [...names].some((name) => !before.has(name))) onChange()
  }
}
