import { fullJitterMs } from '../util/backoff.ts'
import type { Random } from '../util/random.ts'
import type { CheckPlan } from './registration.ts'

/** For checks that the registry makes by itself the entry is compared as often. */
const defaultHeartbeatMs = 5000
const minBackoffMs = 100

/** A third of the time to live, so that two heartbeats may be lost; at most 5 s. */
export function heartbeatMs(check: CheckPlan): number {
  return check.type === 'ttl' ? Math.min(defaultHeartbeatMs, check.ttlMs / 3) : defaultHeartbeatMs
}

/** After joining, until the first heartbeat: anywhere in a period, so that many services that joined together do not beat together ever after. */
export function firstBeatMs(periodMs: number, random: Random): number {
  return random() * periodMs
}

/**
 * From then on. Up to a tenth early, so that what falls together does not stay so; after failures sooner at first, and never later
 * than a heartbeat: a registry that comes back knows all again within one.
 */
export function nextBeatMs(periodMs: number, failures: number, random: Random): number {
  const regular = periodMs * (1 - random() / 10)
  return failures === 0
    ? regular
    : Math.min(regular, minBackoffMs + fullJitterMs(failures, minBackoffMs, periodMs, random))
}
