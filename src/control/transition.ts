import type { DecisionType } from '../core/decision.ts'
import type { Change } from './membership.ts'

export interface Transition {
  readonly type: DecisionType
  readonly cause: string
}

/** Causes that the change itself does not show. */
export interface Causes {
  readonly added?: string
  readonly held?: string
  readonly released?: string
}

/** What a change means for the timeline, in order; empty when only weights or labels changed. */
export function transitionsOf({ before, after }: Change, causes: Causes): readonly Transition[] {
  const from = before?.published.registry ?? null
  const to = after.published.registry
  if (from === to) return []
  if (to === 'held') return [{ type: 'held', cause: causes.held ?? 'the registry may have forgotten it' }]
  const released: Transition[] =
    from === 'held' ? [{ type: 'released', cause: causes.released ?? `the registry says ${to}` }] : []
  switch (to) {
    case 'absent': {
      const inflight = after.cell.inflight()
      // With nothing in flight it is dropped at once, and that is what the timeline then says.
      if (inflight === 0) return released
      return [...released, { type: 'draining', cause: `the registry no longer lists it; ${inflight} in flight` }]
    }
    case 'critical':
      return [...released, ...added(from, to, causes), { type: 'unhealthy', cause: 'the registry says critical' }]
    case 'maintenance':
      return [...released, ...added(from, to, causes), { type: 'draining', cause: 'the registry says maintenance' }]
    default:
      if (from === 'critical' || from === 'maintenance') return [{ type: 'restored', cause: `the registry says ${to}` }]
      return [...released, ...added(from, to, causes)]
  }
}

function added(from: string | null, to: string, causes: Causes): readonly Transition[] {
  if (from === null) return [{ type: 'added', cause: causes.added ?? `the registry lists it, ${to}` }]
  if (from === 'absent') return [{ type: 'added', cause: `the registry lists it again, ${to}` }]
  return []
}
