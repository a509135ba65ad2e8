import type { Leadership } from './leadership.ts'

export interface KeyEntry {
  readonly key: string
  readonly value: Buffer
  readonly flags: number
  readonly createIndex: number
  readonly modifyIndex: number
}

/** So many ends of keys are remembered. Consul forgets them after a quarter of an hour. */
const maxTombstones = 10_000

/** Consul's key/value store in memory. Each change has an index of its own, in a count apart from the catalog's. */
export class KeyStore {
  readonly leadership: Leadership
  readonly #entries = new Map<string, KeyEntry>()
  /** When a key, or what began with a prefix, was deleted: lists of what is left have to show an index that grew. */
  readonly #tombstones = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  #last = 1
  #era = 0

  constructor(leadership: Leadership) {
    this.leadership = leadership
  }

  get era(): number {
    return this.#era
  }

  get lastIndex(): number {
    return this.#last
  }

  get(key: string): KeyEntry | undefined {
    return this.#entries.get(key)
  }

  /** By key. */
  list(prefix: string): KeyEntry[] {
    const found = [...this.#entries.values()].filter(({ key }) => key.startsWith(prefix))
    return found.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }

  /** A key's own last change; of one that is not there, the store's. */
  indexOf(key: string): number {
    return this.get(key)?.modifyIndex ?? this.#last
  }

  /** The last change below a prefix; where nothing ever was, the store's. */
  indexBelow(prefix: string): number {
    if (prefix === '') return this.#last
    let index = 0
    for (const { modifyIndex } of this.list(prefix)) index = Math.max(index, modifyIndex)
    for (const [key, at] of this.#tombstones) if (key.startsWith(prefix)) index = Math.max(index, at)
    return index || this.#last
  }

  /** What is there already, as it is, is no change. */
  put(key: string, value: Buffer, flags: number): void {
    const before = this.get(key)
    if (before?.flags === flags && before.value.equals(value)) return
    const modifyIndex = this.#last + 1
    this.#entries.set(key, { key, value, flags, createIndex: before?.createIndex ?? modifyIndex, modifyIndex })
    this.#commit()
  }

  delete(key: string): void {
    if (this.#entries.delete(key)) this.#bury(key)
  }

  /** All keys that begin with the prefix. */
  deleteBelow(prefix: string): void {
    const entries = this.list(prefix)
    for (const { key } of entries) this.#entries.delete(key)
    if (entries.length > 0) this.#bury(prefix)
  }

  /** Begins to count anew, with what is there; see `Catalog.resetIndex`. */
  resetIndex(): void {
    this.#last = 1
    this.#era += 1
    this.#tombstones.clear()
    for (const entry of this.#entries.values())
      this.#entries.set(entry.key, { ...entry, createIndex: 1, modifyIndex: 1 })
    this.#tell()
  }

  /** No keys, and an index reset. */
  forget(): void {
    this.#entries.clear()
    this.resetIndex()
  }

  /** Calls back after each change, until the returned function is called. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #bury(prefix: string): void {
    this.#tombstones.delete(prefix)
    this.#tombstones.set(prefix, this.#last + 1)
    for (const oldest of this.#tombstones.keys()) {
      if (this.#tombstones.size <= maxTombstones) break
      this.#tombstones.delete(oldest)
    }
    this.#commit()
  }

  #commit(): void {
    this.#last += 1
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
