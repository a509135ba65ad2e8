import { type Alias, isAlias, isMap, isPair, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from 'yaml'
import type { Path, Position, Problem } from './finding.ts'
import { maxDepth } from './written.ts'

interface Entry {
  readonly key: Scalar
  readonly value: unknown
}

/** A few aliases of aliases write an enormous tree in a few lines; no real configuration comes near this. */
const maxValues = 1_000_000

/** A YAML document as plain values, and the way back from a path to its place in the text. */
export class YamlTree {
  readonly value: unknown
  readonly problems: Problem[] = []
  readonly #root: unknown
  readonly #at: (offset: number) => Position
  readonly #anchors = new Map<string, Node>()
  readonly #aliased = new Map<Alias, Node>()
  readonly #entries = new Map<YAMLMap, Map<string, Entry>>()
  #values = 0

  constructor(root: unknown, at: (offset: number) => Position) {
    this.#root = root
    this.#at = at
    this.value = this.#read(root, [])
    if (this.#values > maxValues) this.#complain([], root, `aliases make this more than ${maxValues} values`)
  }

  locate(path: Path, atKey: boolean): Position {
    let place = this.#root
    let last: Entry | null = null
    for (const part of path) {
      const element = this.#resolve(place)
      const entry = isMap(element) ? (this.#entries.get(element)?.get(String(part)) ?? null) : null
      const item = isSeq(element) && typeof part === 'number' ? element.items[part] : undefined
      if (entry === null && item === undefined) return this.#positionOf(place)
      place = entry === null ? item : entry.value
      last = entry
    }
    return last !== null && (atKey || isEmpty(place)) ? this.#positionOf(last.key) : this.#positionOf(place)
  }

  #read(place: unknown, path: Path): unknown {
    this.#values += 1
    if (this.#values > maxValues) return null
    if (path.length > maxDepth) return this.#complain(path, place, `nested more than ${maxDepth} levels deep`)
    if (isAlias(place)) return this.#readAlias(place, path)
    const value = this.#readPlain(place, path)
    // Known only from here on, so that an alias inside its own anchor is an unknown one and not an endless tree.
    if ((isScalar(place) || isMap(place) || isSeq(place)) && place.anchor) this.#anchors.set(place.anchor, place)
    return value
  }

  #readAlias(alias: Alias, path: Path): unknown {
    const anchored = this.#anchors.get(alias.source)
    if (anchored === undefined)
      return this.#complain(path, alias, `no anchor &${alias.source} stands before this alias`)
    this.#aliased.set(alias, anchored)
    return this.#read(anchored, path)
  }

  #readPlain(place: unknown, path: Path): unknown {
    if (place === null || place === undefined) return null
    if (isMap(place)) {
      const entries = this.#entriesOf(place, path)
      return Object.fromEntries([...entries].map(([key, entry]) => [key, this.#read(entry.value, [...path, key])]))
    }
    if (isSeq(place)) return place.items.map((item, index) => this.#read(item, [...path, index]))
    if (isScalar(place) && (place.value === null || ['string', 'number', 'boolean'].includes(typeof place.value))) {
      return place.value
    }
    return this.#complain(path, place, 'this kind of YAML value has no meaning here')
  }

  /** Own keys first; merge keys (`<<`) add what is missing, the earlier one winning. */
  #entriesOf(map: YAMLMap, path: Path): Map<string, Entry> {
    const known = this.#entries.get(map)
    if (known !== undefined) return known
    const entries = new Map<string, Entry>()
    const merged: unknown[] = []
    for (const { key, value } of map.items) {
      if (isMergeKey(key)) merged.push(value)
      else if (!isScalar(key) || key.value === null) this.#complain(path, key, 'a key has to be text')
      else this.#addEntry(entries, { key, value }, path)
    }
    for (const source of merged) {
      for (const [name, entry] of this.#mergedEntries(source, path)) {
        if (!entries.has(name)) entries.set(name, entry)
      }
    }
    this.#entries.set(map, entries)
    return entries
  }

  #addEntry(entries: Map<string, Entry>, entry: Entry, path: Path): void {
    const name = typeof entry.key.value === 'string' ? entry.key.value : (entry.key.source ?? String(entry.key.value))
    const first = entries.get(name)
    if (first !== undefined) {
      const line = this.#positionOf(first.key).line
      this.#complain([...path, name], entry.key, `written twice; the first is on line ${line}`)
    } else if (name === '__proto__') {
      this.#complain([...path, name], entry.key, 'unknown key')
    } else {
      entries.set(name, entry)
    }
  }

  #mergedEntries(source: unknown, path: Path): (readonly [string, Entry])[] {
    if (isAlias(source)) this.#readAlias(source, path)
    const element = this.#resolve(source)
    if (isMap(element)) return [...this.#entriesOf(element, path)]
    if (isSeq(element) && source === element && !element.items.some((item) => isSeq(this.#resolve(item)))) {
      return element.items.flatMap((item) => this.#mergedEntries(item, path))
    }
    if (!isAlias(element)) this.#complain(path, source, '`<<` merges maps only')
    return []
  }

  #resolve(place: unknown): unknown {
    return isAlias(place) ? (this.#aliased.get(place) ?? place) : place
  }

  #positionOf(place: unknown): Position {
    const element = isPair(place) ? place.key : this.#resolve(place)
    const range = isScalar(element) || isMap(element) || isSeq(element) || isAlias(element) ? element.range : null
    return this.#at(range?.[0] ?? 0)
  }

  #complain(path: Path, place: unknown, message: string): null {
    const position = this.#positionOf(place)
    this.problems.push({ path, message, position })
    return null
  }
}

/** `<<` without quotes; a symbol where a `%YAML 1.1` line asks for that version's own merge keys. */
function isMergeKey(key: unknown): boolean {
  if (!isScalar(key)) return false
  return (key.value === '<<' && key.type === 'PLAIN') || typeof key.value === 'symbol'
}

/** A key with nothing after it: the text has no place for its value. */
function isEmpty(place: unknown): boolean {
  return place === null || (isScalar(place) && place.value === null && place.source === '')
}
