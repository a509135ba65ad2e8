import { isDeepStrictEqual } from 'node:util'
import type { Discovery } from '../discovery/contract.ts'
import type { SourceEntry } from './control-config.ts'

interface Source<S> {
  readonly entry: S
  readonly discovery: Discovery
}

/** The discoveries of the configured sources. A source whose entry did not change keeps its discovery over reloads. */
export class Sources<S extends SourceEntry> {
  readonly #create: (entry: S) => Discovery
  #sources: ReadonlyMap<string, Source<S>> = new Map()

  constructor(create: (entry: S) => Discovery) {
    this.#create = create
  }

  /**
   * @returns the discoveries that are no longer used, to be closed once nothing watches them
   * @throws Error when a new source can't be made; then nothing has changed
   */
  configure(entries: readonly S[]): readonly Discovery[] {
    const before = this.#sources
    const next = new Map<string, Source<S>>()
    for (const entry of entries) {
      const known = before.get(entry.name)
      const keeps = known !== undefined && isDeepStrictEqual(known.entry, entry)
      next.set(entry.name, keeps ? known : { entry, discovery: this.#create(entry) })
    }
    this.#sources = next
    return [...before.values()].filter((source) => next.get(source.entry.name) !== source).map((s) => s.discovery)
  }

  /** @throws Error when no source has that name */
  get(name: string): Discovery {
    const source = this.#sources.get(name)
    if (source === undefined) throw new Error(`no discovery source is named ${name}`)
    return source.discovery
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sources.values()].map(({ discovery }) => discovery.close()))
  }
}
