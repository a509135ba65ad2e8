import type { RetryRule } from '../../src/core/route.ts'
import type { RetryBudget } from '../../src/core/snapshot.ts'

/** The default of a route. */
export function retryRule(changes: Partial<RetryRule> = {}): RetryRule {
  return { attempts: 1, connect: true, reset: true, headTimeout: false, statuses: [], perTryMs: null, ...changes }
}

/** The default of a service. */
export const retryBudget: RetryBudget = { percent: 20, perSecond: 10 }
