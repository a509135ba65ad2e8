import { addressOf } from './identity.ts'

interface Place {
  readonly host: string
  readonly port: number
}

/** Who lists which `host:port` now, or asks for what, so that nobody has to go through all services to know. */
export class AddressBook<Owner> {
  readonly #owners = new Map<string, Owner | Set<Owner>>()

  /** An owner lists these now, and listed those before. What stays is the same object in both: no address is made of it. */
  follow(owner: Owner, before: readonly Place[], now: readonly Place[]): void {
    const [known, listed] = [new Set(before), new Set(now)]
    const gone = before.filter((place) => !listed.has(place))
    // Another one may have the address.
    const addresses = new Set(gone.length === 0 ? [] : now.map(addressOf))
    for (const address of gone.map(addressOf)) if (!addresses.has(address)) this.remove(owner, address)
    for (const place of now) if (!known.has(place)) this.add(owner, addressOf(place))
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
    else if (owners !== owner) this.#owners.set(address, new Set([owners, owner]))
  }

  remove(owner: Owner, address: string): void {
    const owners = this.#owners.get(address)
    const isLast = owners instanceof Set ? owners.delete(owner) && owners.size === 0 : owners === owner
    if (isLast) this.#owners.delete(address)
  }
}
