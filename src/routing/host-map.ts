const dot = 0x2e

/** A wildcard that a host ends with. */
export interface WildcardEntry<V> {
  /** The wildcard without its `*`: `.example.com`. */
  readonly suffix: string
  readonly value: V
  /** The next shorter wildcard that covers every host this one covers. */
  readonly shorter: WildcardEntry<V> | null
}

/**
 * Values by host, lower case: exact names, and wildcards `*.example.com`, which stand for one or more whole labels.
 *
 * Wildcards are found by a hash that is computed from the end of the host and looked up at every dot, so that the cost is the
 * length of the host, however many wildcards there are, and no label is cut out.
 */
export class HostMap<V> {
  readonly #exact = new Map<string, V>()
  readonly #wildcards = new Map<number, WildcardEntry<V>[]>()
  readonly #longest: number

  constructor(values: ReadonlyMap<string, V>) {
    const wildcards: [suffix: string, value: V][] = []
    for (const [host, value] of values) {
      if (host.startsWith('*.')) wildcards.push([host.slice(1), value])
      else this.#exact.set(host, value)
    }
    wildcards.sort(([a], [b]) => a.length - b.length)
    this.#longest = wildcards.at(-1)?.[0].length ?? 0
    for (const [suffix, value] of wildcards) {
      const entry = { suffix, value, shorter: this.wildcard(suffix) }
      const hash = hashFromEnd(suffix)
      this.#wildcards.set(hash, [...(this.#wildcards.get(hash) ?? []), entry])
    }
  }

  exact(host: string): V | undefined {
    return this.#exact.size === 0 ? undefined : this.#exact.get(host)
  }

  /** The longest wildcard that covers the host. Allocates nothing. */
  wildcard(host: string): WildcardEntry<V> | null {
    let found: WildcardEntry<V> | null = null
    let hash = 0
    // The first character is never a wildcard's dot: at least one label stands before it.
    for (let at = host.length - 1; at > 0 && host.length - at <= this.#longest; at--) {
      const code = host.charCodeAt(at)
      hash = mix(hash, code)
      if (code === dot) found = this.#withHash(hash, host, host.length - at) ?? found
    }
    return found
  }

  #withHash(hash: number, host: string, length: number): WildcardEntry<V> | null {
    const entries = this.#wildcards.get(hash)
    if (entries === undefined) return null
    for (const entry of entries) if (entry.suffix.length === length && host.endsWith(entry.suffix)) return entry
    return null
  }
}

function mix(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0
}

function hashFromEnd(text: string): number {
  let hash = 0
  for (let at = text.length - 1; at >= 0; at--) hash = mix(hash, text.charCodeAt(at))
  return hash
}
