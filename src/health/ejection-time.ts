import type { OutlierPolicy } from '../core/snapshot.ts'
import type { Random } from '../util/random.ts'

/** Up to this share is added to an ejection time, so that endpoints ejected together don't return together. */
const jitterShare = 0.1

/** How long an ejection lasts. @param times ejections in a row, with this one */
export function ejectionMs(times: number, policy: OutlierPolicy, random: Random): number {
  return Math.min(policy.baseEjectionMs * times, policy.maxEjectionMs) * (1 + random() * jitterShare)
}
