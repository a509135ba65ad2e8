import { isDeepStrictEqual } from 'node:util'
import type { Discovery } from '../discovery/contract.ts'
import type { SourceEntry } from './control-config.ts'
import { messageOf, type OnProblem } from './problem.ts'

interface Source<S> {
  readonly entry: S
  readonly discovery: Discovery
}

/** The discoveries of the configured sources. A source whose entry did not change keeps its discovery over reloads. */
export class Sources<S extends SourceEntry> {
  readonly #create: (entry: S) => Discovery
  readonly #onProblem: OnProblem
  #sources: ReadonlyMap<string, Source<S>> = new Map()
  /** Of sources that the configuration no longer has, until nothing watches them. */
  #unused: readonly Discovery[] = []

  constructor(create: (entry: S) => Discovery, onProblem: OnProblem) {
    this.#create = create
    this.#onProblem = onProblem
  }

  /**
   * Discoveries that are no longer used stay open until `closeUnused`: they are watched until the configuration is in force.
   *
   * @throws Error when a new source can't be made; then nothing has changed
   */
  configure(entries: readonly S[]): void {
    const before = this.#sources
    const next = new Map<string, Source<S>>()
    for (const entry of entries) {
      const known = before.get(entry.name)
      const keeps = known !== undefined && isDeepStrictEqual(known.entry, entry)
      next.set(entry.name, keeps ? known : { entry, discovery: this.#create(entry) })
    }
    this.#sources = next
    const gone = [...before.values()].filter((source) => next.get(source.entry.name) !== source)
    this.#unused = [...this.#unused, ...gone.map(({ discovery }) => discovery)]
  }

  /** @throws Error when no source has that name */
  get(name: string): Discovery {
    const source = this.#sources.get(name)
    if (source === undefined) throw new Error(`no discovery source is named ${name}`)
    return source.discovery
  }

  /** @param watches that end by themselves, before */
  async closeUnused(watches: readonly Promise<void>[] = []): Promise<void> {
    const unused = this.#unused
    this.#unused = []
    await Promise.all(watches)
    for (const discovery of unused) {
      try {
        await discovery.close()
      } catch (error) {
        this.#onProblem({ place: 'discovery', message: `a source did not close: ${messageOf(error)}` })
      }
    }
  }

  async close(): Promise<void> {
    const used = [...this.#sources.values()].map(({ discovery }) => discovery.close())
    await Promise.all([...used, this.closeUnused()])
  }
}
