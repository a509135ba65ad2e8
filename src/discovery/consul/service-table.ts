/** What `/v1/catalog/services` said last, to see which services came, went or have other tags. */
export class ServiceTable {
  #tags = new Map<string, string>()

  /** Takes over a whole answer; returns the names of the services that differ. */
  replace(body: Readonly<Record<string, unknown>>): ReadonlySet<string> {
    const before = this.#tags
    const after = new Map<string, string>()
    // Consul collects the tags of all instances in no particular order.
    for (const [name, tags] of Object.entries(body)) {
      after.set(name, Array.isArray(tags) ? tags.map(String).toSorted().join('\n') : '')
    }
    this.#tags = after
    const changed = new Set<string>()
    for (const [name, tags] of after) if (before.get(name) !== tags) changed.add(name)
    for (const name of before.keys()) if (!after.has(name)) changed.add(name)
    return changed
  }
}
