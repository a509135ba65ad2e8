import { performance } from 'node:perf_hooks'
import type { Endpoint } from '../core/endpoint.ts'
import type { Failure } from '../core/failure.ts'
import type { Service } from '../core/service.ts'
import { WheelTimer } from '../util/timer-wheel.ts'
import { endAttempt } from './attempt-end.ts'
import type { ProxyRoute } from './context.ts'
import type { Exchange } from './exchange.ts'
import { answerAsFinalRecipient } from './final-recipient.ts'
import { redirect } from './redirect.ts'
import { backoffMs, decideRetry, decideStatusRetry, depositForRequest } from './retry.ts'
import { hasOnlyFull, hasUntried, takeEndpoint } from './room.ts'
import { fail, settle } from './settle.ts'

/** A parsed request: match its route, try an endpoint. The request's body, if any, follows through `requestBody`. */
export function handle(x: Exchange): void {
  const { redirectToHttps } = x.entrance.settings
  if (redirectToHttps !== null && redirect(x, redirectToHttps)) return
  const route = x.context.routing.match(x)
  if (route === null) return fail(x, 'no-route')
  x.route = route
  if (route.gate !== null && route.gate.answers(x, route)) return
  if (x.head.maxForwards === 0) return answerAsFinalRecipient(x)
  if (x.context.isShedding) return shed(x, route)
  if (x.requestDone) requestReceived(x)
  if (route.admission !== null && route.admission.isInForce) return route.admission.enter(x)
  depositForRequest(route.service)
  attempt(x)
}

/** Memory runs out: what is under way is finished, nothing is begun. */
function shed(x: Exchange, { service }: ProxyRoute): void {
  service.meter.rejected('memory')
  fail(x, 'overloaded')
}

/** One attempt at an endpoint that is to be picked. */
export function attempt(x: Exchange): void {
  const route = x.route
  if (route === null || x.isSettled) return
  const { service } = route
  const endpoint = takeEndpoint(x, service)
  if (endpoint !== null) return attemptAt(x, endpoint)
  if (!hasOnlyFull(x, service)) return failUnplaced(x, service)
  if (x.admission === null || !x.admission.awaitEndpoint(x)) fail(x, 'overloaded')
}

/** No endpoint is left: the last failure stays. An answer that was dropped is gone, and does not mean that there is no endpoint. */
export function failUnplaced(x: Exchange, service: Service): void {
  const wasDropped = x.attempts > 0 && service.endpoints().eligible.length > 0
  fail(x, x.failure ?? (wasDropped ? 'overloaded' : 'no-endpoint'))
}

/** One attempt at an endpoint that counts it as in flight already. */
export function attemptAt(x: Exchange, endpoint: Endpoint): void {
  x.attempts++
  x.endpoint = endpoint
  x.attemptMs = x.attempts === 1 && x.ticket === 0 ? x.startedMs : performance.now()
  x.forwarder.forward(x, endpoint)
}

/** The request is complete: from here on the route's time for all attempts runs. */
export function requestReceived(x: Exchange): void {
  x.requestDone = true
  if (x.route !== null && x.status === 0 && !x.isSettled) x.context.wheel.arm(x.totalTimer, x.route.rule.timeoutMs)
}

/**
 * A response head has come that another endpoint may do better, by the route's word. @returns true when the answer is to be dropped:
 * `answerDropped` follows
 */
export function mayDropAnswer(x: Exchange, status: number): boolean {
  const route = x.route
  if (route === null || !route.rule.retry.statuses.includes(status)) return false
  const decision = decideStatusRetry(x, route.service, status)
  if (decision === 'after-backoff') return true
  if (decision === 'no-budget') route.service.meter.retried('no-budget')
  // The last answer goes to the client as it is, but that is no success.
  else if (x.isRetry) route.service.meter.retried('failure')
  x.isRetry = false
  return false
}

/** The attempt ended with a whole response head that the client does not get. */
export function answerDropped(x: Exchange, endpoint: Endpoint, status: number, nowMs: number): void {
  const route = x.route
  if (route === null) return
  const { service } = route
  headReceived(x, service, endpoint, nowMs - x.attemptMs)
  endAttempt(x, endpoint, status, true, nowMs)
  if (x.isRetry) service.meter.retried('failure')
  addTried(x, endpoint)
  x.failure = null
  retryAfterBackoff(x)
  if (x.admission !== null) x.admission.goOn()
}

/** The response head of the attempt arrived: the deadline for all attempts is met. */
export function attemptAnswered(x: Exchange, endpoint: Endpoint, nowMs: number): void {
  const route = x.route
  if (route === null) return
  x.context.wheel.disarm(x.totalTimer)
  const elapsedMs = nowMs - x.attemptMs
  const { service } = route
  headReceived(x, service, endpoint, elapsedMs)
  if (service.feedback !== null && saysOfEndpoint(x)) service.feedback.answered(endpoint, elapsedMs)
  if (x.isRetry) service.meter.retried('success')
}

/** The response was relayed to its end. Judged only now: a head says nothing of an answer that breaks off behind it. */
export function attemptDone(x: Exchange, endpoint: Endpoint, nowMs: number): void {
  endAttempt(x, endpoint, x.status, true, nowMs)
  settle(x, null, nowMs)
}

/**
 * The attempt ended without a whole response.
 *
 * @param wasReused it used a kept connection and no byte came back: the race of closing against sending, no evidence
 */
export function attemptFailed(
  x: Exchange,
  endpoint: Endpoint,
  failure: Failure,
  wasReused: boolean,
  isEvidence = !wasReused,
): void {
  const route = x.route
  if (route === null) return
  const { service } = route
  endAttempt(x, endpoint, failure, isEvidence, performance.now())
  if (x.isSettled) return
  if (x.isRetry && x.status === 0) service.meter.retried('failure')
  // A connection that had gone stale says nothing of the endpoint: it may be picked again, for a connection of its own.
  if (!wasReused) addTried(x, endpoint)
  x.failure = failure
  // The exchange goes on, it may be, but its place at the endpoint is free.
  if (!wasReused && x.admission !== null) x.admission.goOn()
  const decision = decideRetry(x, service, failure, wasReused)
  switch (decision) {
    case 'now':
      // A stale connection's retry is counted here, whatever becomes of it.
      x.isRetry = !wasReused
      if (wasReused) service.meter.retried('stale-connection')
      attempt(x)
      return
    case 'after-backoff':
      retryAfterBackoff(x)
      return
    case 'no-budget':
      service.meter.retried('no-budget')
      fail(x, failure)
      return
    case 'never':
      fail(x, failure)
  }
}

/** Whether an exchange that waits for a connection has somewhere else to go: not where it would have to wait for a place. */
export function mayGoElsewhere(x: Exchange): boolean {
  return x.route !== null && hasUntried(x, x.route.service, x.endpoint)
}

/** The service has the endpoint no more, and nothing was sent to it: another one is picked, whatever the method, and nothing has failed. */
export function attemptWithdrawn(x: Exchange, endpoint: Endpoint): void {
  endAttempt(x, endpoint, null, false, performance.now())
  attempt(x)
}

function headReceived(x: Exchange, service: Service, endpoint: Endpoint, elapsedMs: number): void {
  service.meter.headReceived(elapsedMs / 1000)
  endpoint.cell.addLatency(elapsedMs)
  const { limits } = service.settings
  if (limits !== null && limits.findsRequests && saysOfEndpoint(x)) service.cell.addAnswer(elapsedMs)
}

/** What an answer took. A long request takes as long as its client takes to send it: that says nothing about the endpoint. */
function saysOfEndpoint(x: Exchange): boolean {
  return x.kept !== null || x.requestBytes === 0
}

function addTried(x: Exchange, endpoint: Endpoint): void {
  if (x.tried === null) x.tried = [endpoint]
  else x.tried.push(endpoint)
}

function retryAfterBackoff(x: Exchange): void {
  x.isRetry = true
  x.resent++
  x.backoffTimer ??= new WheelTimer(() => attempt(x))
  x.context.wheel.arm(x.backoffTimer, backoffMs(x.context.random))
}

/** The route's time for all attempts is up. */
export function totalTimeout(x: Exchange): void {
  const endpoint = x.endpoint
  const upstream = x.upstream
  if (x.isSettled) return
  if (upstream === null || endpoint === null) return fail(x, x.failure ?? 'total-timeout')
  upstream.abandon()
  attemptFailed(x, endpoint, 'total-timeout', false)
}
