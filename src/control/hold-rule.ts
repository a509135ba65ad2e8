import type { Instance } from '../core/instance.ts'
import { addressOf } from './identity.ts'
import type { Listing } from './listing.ts'

export interface HoldQuestion {
  /** What the source's word was before the answer, with what is held in spite of it. */
  readonly before: Listing
  /** What the answer lists, by endpoint id. */
  readonly listed: ReadonlyMap<string, Instance>
  readonly afterOutage: boolean
  readonly wentBackwards: boolean
  /** 0 = never hold. */
  readonly holdMs: number
  /** True when another service's answer lists that `host:port`: it has a new owner. */
  readonly isListedElsewhere: (address: string) => boolean
}

const nothing: ReadonlySet<string> = new Set()

/**
 * Which endpoints are kept in spite of an answer that does not let them serve.
 *
 * A hold begins where the registry may have forgotten: with its first answer after an outage, or when its position went
 * backwards. It ends when the registry lets the endpoint or its address serve again, or puts it in maintenance; everything
 * else (it no longer accepts connections, the time is over) is for Holds to find out.
 *
 * A registry that lost its memory learns its instances again as `critical`, until their first check has run. So `critical`
 * is taken for forgetting too where the memory is known to be lost, or where all of the service would be gone at once.
 */
export function heldAfter(question: HoldQuestion): ReadonlySet<string> {
  const { before, listed, afterOutage, wentBackwards, holdMs, isListedElsewhere } = question
  const mayHaveForgotten = holdMs > 0 && (afterOutage || wentBackwards)
  if (!mayHaveForgotten && !isAnyHeld(before)) return nothing

  const kept = new Set<string>()
  const serving = new Set<string>()
  for (const instance of listed.values()) if (serves(instance.status)) serving.add(addressOf(instance))
  const doubtCritical = wentBackwards || serving.size === 0

  for (const [id, { instance, word }] of before) {
    if (!serves(word) && word !== 'held') continue
    const now = listed.get(id)
    if (now !== undefined && now.status !== 'critical') continue
    const begins = mayHaveForgotten && (now === undefined || doubtCritical)
    if (word !== 'held' && !begins) continue
    const address = addressOf(instance)
    if (!serving.has(address) && !isListedElsewhere(address)) kept.add(id)
  }
  return kept
}

function isAnyHeld(listing: Listing): boolean {
  for (const { word } of listing.values()) if (word === 'held') return true
  return false
}

function serves(word: string): boolean {
  return word === 'passing' || word === 'warning'
}
