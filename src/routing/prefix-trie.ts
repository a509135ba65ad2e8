const slash = 0x2f

/** A path that a request's path begins with, at a segment boundary. */
export interface PrefixEntry<V> {
  readonly path: string
  readonly value: V
  /** The next shorter path of the trie that any path found under this one begins with, too. */
  readonly shorter: PrefixEntry<V> | null
}

/** `label` leads here; what follows is told apart by its first character, from `low` on. */
interface Branch<V> {
  readonly label: string
  readonly entry: PrefixEntry<V> | null
  /** The entry's path ends with `/`: what follows begins a segment already. */
  readonly endsSegment: boolean
  readonly low: number
  readonly children: readonly (Branch<V> | null)[]
}

/**
 * Longest path prefix at segment boundaries: `/api` is found for `/api` and `/api/x`, not for `/apix`; `/api/` for `/api/`
 * and `/api/x`, not for `/api`.
 *
 * A radix tree over characters whose children are looked up by character code. Over segments in Maps every lookup cuts and
 * hashes a string per segment; that was slower at every size (`bench/micro/match.ts` measures this one).
 */
export class PrefixTrie<V> {
  readonly #root: Branch<V>

  constructor(values: ReadonlyMap<string, V>) {
    const paths = [...values.keys()].toSorted(byCodeUnit)
    this.#root = grow(values, paths, 0, null)
  }

  /** Allocates nothing. */
  find(path: string): PrefixEntry<V> | null {
    let found: PrefixEntry<V> | null = null
    let branch = this.#root
    let at = 0
    for (;;) {
      const { label } = branch
      const end = at + label.length
      if (end > path.length) return found
      for (let i = 0; at < end; i++, at++) if (label.charCodeAt(i) !== path.charCodeAt(at)) return found
      const atBoundary = branch.endsSegment || at === path.length || path.charCodeAt(at) === slash
      if (branch.entry !== null && atBoundary) found = branch.entry
      if (at === path.length) return found
      const index = path.charCodeAt(at) - branch.low
      if (index < 0 || index >= branch.children.length) return found
      const child = branch.children[index]
      if (child == null) return found
      branch = child
    }
  }
}

function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** @param paths sorted, all with the same first `at` characters */
function grow<V>(
  values: ReadonlyMap<string, V>,
  paths: readonly string[],
  at: number,
  above: PrefixEntry<V> | null,
): Branch<V> {
  const first = paths[0] ?? ''
  const end = commonLength(first, paths.at(-1) ?? '', at)
  const value = first.length === end ? values.get(first) : undefined
  const entry = value === undefined ? null : { path: first, value, shorter: nearest(above, first) }
  const longer = entry === null ? paths : paths.slice(1)
  const low = longer[0]?.charCodeAt(end) ?? 0
  const high = longer.at(-1)?.charCodeAt(end) ?? -1
  return {
    label: first.slice(at, end),
    entry,
    endsSegment: first.charCodeAt(end - 1) === slash,
    low,
    children: Array.from({ length: high - low + 1 }, (_, index) => {
      const below = longer.filter((path) => path.charCodeAt(end) === low + index)
      return below.length === 0 ? null : grow(values, below, end, entry ?? above)
    }),
  }
}

function commonLength(a: string, b: string, from: number): number {
  const most = Math.min(a.length, b.length)
  let length = from
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++
  return length
}

function nearest<V>(above: PrefixEntry<V> | null, path: string): PrefixEntry<V> | null {
  for (let entry = above; entry !== null; entry = entry.shorter) {
    if (entry.path.endsWith('/') || path.charCodeAt(entry.path.length) === slash) return entry
  }
  return null
}
