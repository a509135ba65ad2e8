import type { Instance } from '../core/instance.ts'
import { addressOf } from './identity.ts'
import type { Records } from './membership.ts'

export interface HoldQuestion {
  /** As they were before the answer. */
  readonly records: Records
  /** What the answer lists, by endpoint id. */
  readonly listed: ReadonlyMap<string, Instance>
  /** Ids held until now. */
  readonly held: ReadonlySet<string>
  readonly afterOutage: boolean
  readonly wentBackwards: boolean
  /** 0 = never hold. */
  readonly holdMs: number
  /** True when another service's answer lists that `host:port`: it has a new owner. */
  readonly isListedElsewhere: (address: string) => boolean
}

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
  const { records, listed, held, afterOutage, wentBackwards, holdMs, isListedElsewhere } = question
  const mayHaveForgotten = holdMs > 0 && (afterOutage || wentBackwards)
  const kept = new Set<string>()
  if (!mayHaveForgotten && held.size === 0) return kept

  const serving = new Set<string>()
  for (const instance of listed.values()) if (serves(instance.status)) serving.add(addressOf(instance))
  const doubtCritical = wentBackwards || serving.size === 0

  for (const [id, { instance, published }] of records) {
    if (!serves(published.registry) && published.registry !== 'held') continue
    const now = listed.get(id)
    if (now !== undefined && now.status !== 'critical') continue
    const begins = mayHaveForgotten && (now === undefined || doubtCritical)
    if (!held.has(id) && !begins) continue
    const address = addressOf(instance)
    if (!serving.has(address) && !isListedElsewhere(address)) kept.add(id)
  }
  return kept
}

function serves(word: string): boolean {
  return word === 'passing' || word === 'warning'
}
