import type { Flow } from './flow.ts'
import { follow } from './limited.ts'
import { type Learned, type Phase, type Step, watching } from './phase.ts'
import { judge } from './probing.ts'
import { awaitAnswers } from './rescuing.ts'
import { watch } from './watching.ts'

/** How a service stands with the limit that is looked for. */
export interface Finding {
  readonly phase: Phase
  readonly learned: Learned
  /** Why the last change came about; empty = there was none. */
  readonly why: string
}

export const noFinding: Finding = {
  phase: watching,
  learned: {
    baseMs: null,
    usualMs: null,
    calmMs: null,
    usualRate: 0,
    bestRate: 0,
    held: 0,
    misses: 0,
    mutedUntilMs: 0,
    missedAtMs: 0,
  },
  why: '',
}

/**
 * Finds out whether a service is overloaded, and how much it does at a time, from what passes through it. To be called for each look,
 * every 50 ms or so. It refuses nobody before a probe has shown that fewer in flight lower no throughput.
 *
 * @param pendingTimeoutMs how long a request may wait; bounds what a probe may cost
 */
export function findLimit({ phase, learned, why }: Finding, flow: Flow, pendingTimeoutMs: number): Finding {
  const step = stepOf(phase, learned, flow, pendingTimeoutMs)
  return { phase: step.phase, learned: step.learned, why: step.why ?? why }
}

function stepOf(phase: Phase, learned: Learned, flow: Flow, pendingTimeoutMs: number): Step {
  switch (phase.kind) {
    case 'watching':
      return watch(phase, learned, flow, pendingTimeoutMs)
    case 'probing':
      return judge(phase, learned, flow, pendingTimeoutMs)
    case 'rescuing':
      return awaitAnswers(phase, learned, flow)
    default:
      return follow(phase, learned, flow)
  }
}

/** What is to be in force: how many in flight, and how many that wait. Null = no limit; `pending` null = whoever comes may wait. */
export function limitOf({ phase }: Finding): { readonly limit: number; readonly pending: number | null } | null {
  switch (phase.kind) {
    case 'watching':
      return null
    case 'probing':
      return { limit: phase.limit, pending: null }
    case 'rescuing':
      return { limit: phase.limit, pending: phase.limit }
    default:
      return {
        limit: phase.dip?.limit ?? phase.limit,
        pending: phase.trial?.isDoubted ? null : (phase.dip?.pending ?? phase.pending),
      }
  }
}

/** Overload was found, beyond doubt. */
export function isFound({ phase }: Finding): boolean {
  return phase.kind === 'rescuing' || (phase.kind === 'limited' && phase.trial?.isDoubted !== true)
}

/** Of the limit, an endpoint may have so much more than falls to it: without that, one of them hoards what the others wait for. */
const endpointSlack = 1.25

/** How many may be in flight to an endpoint for each unit of its weight; null = as many as come. @param weight of all together */
export function endpointShareOf({ phase }: Finding, weight: number): number | null {
  if (phase.kind !== 'limited' || weight <= 0) return null
  return (phase.limit * endpointSlack) / weight
}
