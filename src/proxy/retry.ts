import { failures, type Failure } from '../core/failure.ts'
import type { Service } from '../core/service.ts'
import { monotonicMs } from '../util/clock.ts'
import type { Exchange } from './exchange.ts'

/** Endpoints tried in all where nothing was sent. */
const maxUnsentAttempts = 3
/** The budget in thousandths of a retry: a fifth of one per request, ten per second, never more than ten seconds' worth. */
const depositPerRequest = 200
const depositPerDecisecond = 1000
const maxDeposit = 100_000

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
 * Whether another endpoint may be tried. Nothing is retried once a response head went downstream, nor when the body
 * can't be sent again.
 *
 * @param wasReused the failed attempt used a kept connection, which the endpoint may have closed at the same moment: outside
 * the budget and the route's attempts, without back-off
 */
export function decideRetry(x: Exchange, service: Service, failure: Failure, wasReused: boolean): RetryDecision {
  const { retry } = failures[failure]
  if (retry === 'never' || x.status !== 0) return 'never'
  if (x.kept === null && x.requestBytes > 0) return 'never'
  if (!hasUntried(x, service)) return 'never'
  // A stale connection was no try of its endpoint.
  const tries = x.tried === null ? 0 : x.tried.length
  if (retry === 'always') return tries < maxUnsentAttempts ? 'now' : 'never'
  const rule = x.route?.rule
  if (rule === undefined || rule.retryAttempts === 0 || !isIdempotent(x.head.method)) return 'never'
  // A new connection in place of a stale one asks no more of the service than the request itself did. It happens once: the
  // next attempt is on a connection of its own.
  if (wasReused) return 'now'
  if (tries > rule.retryAttempts) return 'never'
  return withdraw(service) ? 'after-backoff' : 'no-budget'
}

/** Endpoints that were tried may have been ejected for it: the numbers say nothing. */
function hasUntried(x: Exchange, service: Service): boolean {
  for (const endpoint of service.endpoints.eligible) {
    if (x.tried === null || !x.tried.includes(endpoint)) return true
  }
  return false
}

/** Full jitter between the bounds. */
export function backoffMs(random: () => number): number {
  return minBackoffMs + random() * (maxBackoffMs - minBackoffMs)
}

/** Called once per exchange: retries may be a fifth of requests. */
export function depositForRequest(service: Service): void {
  service.cell.depositRetry(depositPerRequest, maxDeposit)
}

function withdraw(service: Service): boolean {
  const steps = service.cell.claimRefill(Math.floor(monotonicMs() / 100) | 0)
  if (steps > 0) service.cell.depositRetry(Math.min(steps * depositPerDecisecond, maxDeposit), maxDeposit)
  return service.cell.withdrawRetry()
}
