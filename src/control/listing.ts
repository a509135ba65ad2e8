import type { Instance, RegistryStatus } from '../core/instance.ts'

/** What a source says of one endpoint. */
export interface Listed {
  /** As listed; of a held one as it was while the source let it serve. */
  readonly instance: Instance
  /** `held`: kept in spite of the source's last answer. */
  readonly word: RegistryStatus | 'held'
}

/** What a source says of a service, by the ids under which it does. */
export type Listing = ReadonlyMap<string, Listed>

/** The answer itself, and what is held in spite of it as it was before. What is listed as before stays the same object. */
export function listingOf(listed: ReadonlyMap<string, Instance>, held: ReadonlySet<string>, before: Listing): Listing {
  const listing = new Map<string, Listed>()
  for (const [id, instance] of listed) {
    if (held.has(id)) continue
    const known = before.get(id)
    const isAsBefore = known?.instance === instance && known.word === instance.status
    listing.set(id, isAsBefore ? known : { instance, word: instance.status })
  }
  for (const id of held) {
    const instance = before.get(id)?.instance ?? listed.get(id)
    if (instance !== undefined) listing.set(id, { instance, word: 'held' })
  }
  return listing
}
