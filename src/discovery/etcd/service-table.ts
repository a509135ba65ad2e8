import { isDeepStrictEqual } from 'node:util'
import type { Instance } from '../../core/instance.ts'
import type { Format } from './formats/contract.ts'

export interface TableOptions {
  readonly format: Format
  /** Called for a value that can't be read, once while it stays the same fault. */
  readonly onSkipped: (id: string, reason: string) => void
}

/** What is under one key. */
interface Entry {
  readonly instances: readonly Instance[]
  /** Why it can't be read; null = it can. */
  readonly fault: string | null
}

/** The instances of one service, by the last part of their keys. */
export class ServiceTable {
  readonly #options: TableOptions
  #entries = new Map<string, Entry>()
  #list: readonly Instance[] | null = null
  #revision = 0

  constructor(options: TableOptions) {
    this.#options = options
  }

  /** Up to which changes are in it; 0 = it has not been read yet. */
  get revision(): number {
    return this.#revision
  }

  /** In the order of their ids, of which each is there once. */
  get instances(): readonly Instance[] {
    this.#list ??= sorted(this.#entries.values())
    return this.#list
  }

  /** Takes over all values as they were at a revision. @returns whether the instances are others now */
  replace(values: ReadonlyMap<string, string>, revision: number): boolean {
    const before = this.#entries
    this.#entries = new Map()
    this.#list = null
    this.#revision = revision
    let hasChanged = false
    for (const [id, value] of values) if (this.#set(id, value, before.get(id))) hasChanged = true
    for (const [id, { instances }] of before) if (!values.has(id) && instances.length > 0) hasChanged = true
    return hasChanged
  }

  /** @param value null = it is gone. @returns whether the instances are others now */
  apply(id: string, value: string | null, revision: number): boolean {
    if (revision <= this.#revision) return false
    const before = this.#entries.get(id)
    if (value !== null) return this.#set(id, value, before)
    this.#entries.delete(id)
    this.#list = null
    return before !== undefined && before.instances.length > 0
  }

  /** All changes up to that revision have been applied. */
  reach(revision: number): void {
    this.#revision = Math.max(this.#revision, revision)
  }

  #set(id: string, value: string, before: Entry | undefined): boolean {
    const reading = this.#options.format(value, id)
    const fault = typeof reading === 'string' ? reading : null
    const instances = typeof reading === 'string' ? [] : reading
    this.#entries.set(id, { instances, fault })
    this.#list = null
    if (fault !== null && fault !== before?.fault) this.#options.onSkipped(id, fault)
    return !isDeepStrictEqual(instances, before?.instances ?? [])
  }
}

function sorted(entries: Iterable<Entry>): readonly Instance[] {
  const byId = new Map<string, Instance>()
  for (const { instances } of entries) for (const instance of instances) byId.set(instance.id, instance)
  return [...byId.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
