import type { Endpoint } from '../core/endpoint.ts'
import { failures, type Failure } from '../core/failure.ts'
import type { RetryRule } from '../core/route.ts'
import type { Service } from '../core/service.ts'
import { monotonicMs } from '../util/clock.ts'
import type { Exchange } from './exchange.ts'
import { hasUntried } from './room.ts'

/** Endpoints tried in all where nothing was sent. */
const maxUnsentEndpoints = 3
/** Of the retries per second, the budget holds no more than these seconds bring; and so much at least, for a share without them. */
const maxDepositSeconds = 10
const minMaxDeposit = 100_000

const minBackoffMs = 25
const maxBackoffMs = 250

/** What to do after a failed attempt: give up, or try another endpoint after `delayMs`. */
export type RetryDecision = 'never' | 'now' | 'after-backoff' | 'no-budget'

/** Methods that may be repeated when bytes of the request were sent (RFC 9110 section 9.2.2). */
export function isIdempotent(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'PUT':
    case 'DELETE':
    case 'OPTIONS':
      return true
    default:
      return false
  }
}

/**
 * Whether another endpoint may be tried. Nothing is retried once a byte of a response went downstream, nor when the body
 * can't be sent again.
 *
 * @param wasReused the failed attempt used a kept connection, which the endpoint may have closed at the same moment: outside
 * the budget and the route's attempts, without back-off
 */
export function decideRetry(x: Exchange, service: Service, failure: Failure, wasReused: boolean): RetryDecision {
  const rule = x.route?.rule.retry
  if (rule === undefined || !isNamed(rule, failure) || !mayRepeat(x, service, null)) return 'never'
  if (failures[failure].retry === 'always') {
    // Not attempts: one on a connection that had gone stale did not try its endpoint.
    return x.tried === null || x.tried.length < maxUnsentEndpoints ? 'now' : 'never'
  }
  if (!isIdempotent(x.head.method)) return 'never'
  // A new connection in place of a stale one asks no more of the service than the request itself did. It happens once: the
  // next attempt is on a connection of its own.
  if (wasReused) return rule.attempts > 0 ? 'now' : 'never'
  return takeRetry(x, service, rule)
}

/** Whether an answer that has just come is dropped, in favour of one that another endpoint may give. Never 'now'. */
export function decideStatusRetry(x: Exchange, service: Service, status: number): RetryDecision {
  const rule = x.route?.rule.retry
  if (rule === undefined || !rule.statuses.includes(status)) return 'never'
  if (!isIdempotent(x.head.method) || !mayRepeat(x, service, x.endpoint)) return 'never'
  return takeRetry(x, service, rule)
}

function isNamed(rule: RetryRule, failure: Failure): boolean {
  switch (failures[failure].retry) {
    case 'always':
      return rule.connect
    case 'idempotent':
      return rule.reset
    case 'asked':
      return failure === 'head-timeout' && rule.headTimeout
    default:
      return false
  }
}

/** The request is there to be sent again, and somebody to send it to. @param current is not among the tried ones yet */
function mayRepeat(x: Exchange, service: Service, current: Endpoint | null): boolean {
  return x.status === 0 && !x.hasInterim && (x.kept !== null || x.requestBytes === 0) && hasUntried(x, service, current)
}

function takeRetry(x: Exchange, service: Service, rule: RetryRule): RetryDecision {
  if (x.resent >= rule.attempts) return 'never'
  return withdraw(service) ? 'after-backoff' : 'no-budget'
}

/** Full jitter between the bounds. */
export function backoffMs(random: () => number): number {
  return minBackoffMs + random() * (maxBackoffMs - minBackoffMs)
}

/** Called once per exchange that is let in: retries may be a share of requests. The budget counts in thousandths of a retry. */
export function depositForRequest(service: Service): void {
  const { percent, perSecond } = service.settings.retryBudget
  service.cell.depositRetry(percent * 10, maxDeposit(perSecond))
}

function withdraw(service: Service): boolean {
  const { perSecond } = service.settings.retryBudget
  const cap = maxDeposit(perSecond)
  const steps = service.cell.claimRefill(Math.floor(monotonicMs() / 100) | 0)
  if (steps > 0 && perSecond > 0) service.cell.depositRetry(Math.min(steps * perSecond * 100, cap), cap)
  return service.cell.withdrawRetry()
}

function maxDeposit(perSecond: number): number {
  return Math.max(perSecond * maxDepositSeconds * 1000, minMaxDeposit)
}
