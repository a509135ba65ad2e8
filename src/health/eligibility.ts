import type { EjectionReason } from '../core/decision.ts'
import type { PublishedEndpoint, RegistryWord } from '../core/snapshot.ts'

/** What eligibility is decided on; an Endpoint is one, and so is the control plane's record of it. */
export interface Judged {
  readonly published: PublishedEndpoint
  readonly cell: { ejection(): EjectionReason | null }
}

/** Under this share of eligible endpoints, our own observations are more likely wrong than right. */
const panicBelow = 0.5

/**
 * Decides which endpoints may be picked.
 *
 * Servable is what the registry and the operator let serve; eligible is what our own observations leave of it. In panic
 * (under half of the servable are eligible) the observations are set aside: all servable endpoints but the refused ones,
 * and those too when nothing else is left. What is not servable is never picked.
 */
export function eligible<E extends Judged>(all: readonly E[]): { eligible: readonly E[]; panic: boolean } {
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
