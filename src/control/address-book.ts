/** Who lists which `host:port` now, or asks for what, so that nobody has to go through all services to know. */
export class AddressBook<Owner> {
  readonly #owners = new Map<string, Owner | Set<Owner>>()

  /**
   * An owner lists these now, and `listed`, what it did before, becomes the same. A text that stays is the one that was there: it is in the
   * old generation already.
   */
  follow(owner: Owner, listed: Set<string>, now: ReadonlySet<string>): void {
    for (const address of listed) {
      if (now.has(address)) continue
      listed.delete(address)
      this.remove(owner, address)
    }
    for (const address of now) {
      if (listed.has(address)) continue
      listed.add(address)
      this.add(owner, address)
    }
  }

  ownersOf(address: string): Iterable<Owner> {
    const owners = this.#owners.get(address)
    if (owners === undefined) return []
    return owners instanceof Set ? owners : [owners]
  }

  add(owner: Owner, address: string): void {
    const owners = this.#owners.get(address)
    if (owners === undefined) this.#owners.set(address, owner)
    else if (owners instanceof Set) owners.add(owner)
    else this.#owners.set(address, new Set([owners, owner]))
  }

  remove(owner: Owner, address: string): void {
    const owners = this.#owners.get(address)
    const isLast = owners instanceof Set ? owners.delete(owner) && owners.size === 0 : owners === owner
    if (isLast) this.#owners.delete(address)
  }
}
