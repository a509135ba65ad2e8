import type { EjectionReason } from '../core/decision.ts'
import type { PublishedEndpoint, RegistryWord } from '../core/snapshot.ts'

/** What eligibility is decided on; an Endpoint is one, and so is the control plane's record of it. */
export interface Judged {
  readonly published: PublishedEndpoint
  readonly cell: { ejection(): EjectionReason | null }
}

/** Under this share of eligible endpoints, our own observations are more likely wrong than right. */
const panicBelow = 0.5

/** Those that may be picked; `panic`: our own observations were set aside. */
export interface Eligibility<E> {
  readonly eligible: readonly E[]
  readonly panic: boolean
}

/**
 * Decides which endpoints may be picked.
 *
 * Those of the nearest tier alone, as long as they are enough; else those of the next, too, and so on. Tiers come in pairs: the
 * preferred zone of a datacenter (or of all there is), then its other zones. Within a pair the nearer ones are enough while
 * `spillBelowPercent` of all that are listed are eligible; before the next datacenter, while they would not be in panic.
 *
 * Servable is what the registry and the operator let serve; eligible is what our own observations leave of it. In panic
 * (under half of the servable are eligible) the observations are set aside: all servable endpoints but the refused ones,
 * and those too when nothing else is left. What is not servable is never picked.
 */
export function eligible<E extends Judged>(all: readonly E[], spillBelowPercent = 0): Eligibility<E> {
  const tiers = tiersOf(all)
  if (tiers === null) return eligibleOf(all)
  const near: E[] = []
  for (const [index, tier] of tiers.entries()) {
    near.push(...tier.endpoints)
    const next = tiers[index + 1]
    if (next === undefined) break
    const found = eligibleOf(near)
    if (found.panic || found.eligible.length === 0) continue
    const isSameDatacenter = next.tier >> 1 === tier.tier >> 1
    if (!isSameDatacenter || found.eligible.length * 100 >= spillBelowPercent * listedIn(near)) return found
  }
  return eligibleOf(all)
}

interface Tier<E> {
  readonly tier: number
  readonly endpoints: E[]
}

/** From the nearest on; null where all are equally near, as they mostly are. */
function tiersOf<E extends Judged>(all: readonly E[]): readonly Tier<E>[] | null {
  const first = all[0]
  if (first === undefined || all.every(({ published }) => published.tier === first.published.tier)) return null
  const tiers = new Map<number, Tier<E>>()
  for (const endpoint of all) {
    const { tier } = endpoint.published
    const known = tiers.get(tier)
    if (known === undefined) tiers.set(tier, { tier, endpoints: [endpoint] })
    else known.endpoints.push(endpoint)
  }
  return [...tiers.values()].toSorted((a, b) => a.tier - b.tier)
}

function listedIn(endpoints: readonly Judged[]): number {
  return endpoints.filter(({ published }) => published.registry !== 'absent').length
}

function eligibleOf<E extends Judged>(all: readonly E[]): Eligibility<E> {
  const servable: E[] = []
  const healthy: E[] = []
  const reachable: E[] = []
  for (const endpoint of all) {
    const ejection = endpoint.cell.ejection()
    // An operator's ejection is an order, not an observation that panic could doubt.
    if (!isServable(endpoint.published) || ejection === 'manual') continue
    servable.push(endpoint)
    if (ejection !== 'connect') reachable.push(endpoint)
    if (ejection === null && !endpoint.published.unhealthy) healthy.push(endpoint)
  }
  if (healthy.length >= servable.length * panicBelow) return { eligible: healthy, panic: false }
  return { eligible: reachable.length > 0 ? reachable : servable, panic: true }
}

/** True when the registry and the operator let it serve. Weight 0 means no traffic, as a drain does. */
export function isServable(published: PublishedEndpoint): boolean {
  return serves[published.registry] && !published.draining && published.weight > 0
}

const serves: Readonly<Record<RegistryWord, boolean>> = {
  passing: true,
  warning: true,
  held: true,
  critical: false,
  maintenance: false,
  absent: false,
}
