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
 * Servable is what the registry and the operator let serve; eligible is what our own observations leave of it. In panic
 * (under half of the servable are eligible) the observations are set aside: all servable endpoints but the refused ones,
 * and those too when nothing else is left. What is not servable is never picked.
 *
 * Where some are nearer than others, the nearest are used alone while they are enough; else those of the next tier, too, and
 * so on. Tiers come in pairs: the preferred zone of a datacenter (or of all there is), then its other zones. Within a pair the
 * nearer ones are enough while `spillBelowPercent` of all that are listed are eligible, before the next datacenter while a
 * tier of theirs is not in panic. There is panic only where all tiers are in it: others are better than those in doubt.
 */
export function eligible<E extends Judged>(all: readonly E[], spillBelowPercent = 0): Eligibility<E> {
  const tiers = tiersOf(all)
  if (tiers === null) {
    const { healthy, servable, reachable } = judge(all)
    if (!isPanic({ healthy, servable })) return { eligible: healthy, panic: false }
    return { eligible: reachable.length > 0 ? reachable : servable, panic: true }
  }
  const healthy: E[] = []
  let listed = 0
  let isEnough = false
  for (const [index, { tier, endpoints }] of tiers.entries()) {
    const judged = judge(endpoints)
    healthy.push(...judged.healthy)
    listed += endpoints.filter(({ published }) => published.registry !== 'absent').length
    isEnough ||= judged.healthy.length > 0 && !isPanic(judged)
    const next = tiers[index + 1]
    if (!isEnough || next === undefined) continue
    const isSameDatacenter = next.tier >> 1 === tier >> 1
    if (!isSameDatacenter || healthy.length * 100 >= spillBelowPercent * listed) break
  }
  if (isEnough) return { eligible: healthy, panic: false }
  const { servable, reachable } = judge(all)
  return { eligible: reachable.length > 0 ? reachable : servable, panic: servable.length > 0 }
}

interface Judgement<E> {
  readonly servable: readonly E[]
  readonly healthy: readonly E[]
  /** Servable ones that did not refuse. */
  readonly reachable: readonly E[]
}

function judge<E extends Judged>(all: readonly E[]): Judgement<E> {
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
  return { servable, healthy, reachable }
}

function isPanic({ healthy, servable }: Pick<Judgement<unknown>, 'healthy' | 'servable'>): boolean {
  return healthy.length < servable.length * panicBelow
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
