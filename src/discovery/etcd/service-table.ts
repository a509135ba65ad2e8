import { isDeepStrictEqual } from 'node:util'
import type { Instance } from '../../core/instance.ts'
import type { Format, Reading } from './formats/contract.ts'

export interface TableOptions {
  readonly format: Format
  /** Called for a value that can't be read, once while it stays the same fault. */
  readonly onSkipped: (id: string, reason: string) => void
}

/** The instances of one service, by the last part of their keys. */
export class ServiceTable {
  readonly #options: TableOptions
  #readings = new Map<string, Reading>()
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
    this.#list ??= sorted(this.#readings.values())
    return this.#list
  }

  /** Takes over all values as they were at a revision. @returns whether the instances are others now */
  replace(values: ReadonlyMap<string, string>, revision: number): boolean {
    const before = this.#readings
    this.#readings = new Map()
    this.#list = null
    this.#revision = revision
    let hasChanged = false
    for (const [id, value] of values) if (this.#set(id, value, before.get(id))) hasChanged = true
    for (const [id, reading] of before) if (!values.has(id) && instancesIn(reading).length > 0) hasChanged = true
    return hasChanged
  }

  /** @param value null = it is gone. @returns whether the instances are others now */
  apply(id: string, value: string | null, revision: number): boolean {
    if (revision <= this.#revision) return false
    const before = this.#readings.get(id)
    if (value !== null) return this.#set(id, value, before)
    this.#readings.delete(id)
    this.#list = null
    return instancesIn(before).length > 0
  }

  /** All changes up to that revision have been applied. */
  reach(revision: number): void {
    this.#revision = Math.max(this.#revision, revision)
  }

  #set(id: string, value: string, before: Reading | undefined): boolean {
    const reading = this.#options.format(value, id)
    this.#readings.set(id, reading)
    this.#list = null
    if (typeof reading === 'string' && reading !== before) this.#options.onSkipped(id, reading)
    return !isDeepStrictEqual(instancesIn(reading), instancesIn(before))
  }
}

const none: readonly Instance[] = []

function instancesIn(reading: Reading | undefined): readonly Instance[] {
  return typeof reading === 'object' ? reading : none
}

function sorted(readings: Iterable<Reading>): readonly Instance[] {
  const byId = new Map<string, Instance>()
  for (const reading of readings) for (const instance of instancesIn(reading)) byId.set(instance.id, instance)
  return [...byId.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
