import { performance } from 'node:perf_hooks'
import type { Failure } from '../core/failure.ts'
import { failures } from '../core/failure.ts'
import { endAttempt } from './attempt-end.ts'
import type { Exchange } from './exchange.ts'

/**
 * The one exit: every exchange passes here once, whatever became of it. Counts it, logs it, lets the connection go on.
 *
 * @param failure null for an exchange that went well; otherwise an answer or a cut was already sent
 * @param nowMs of `performance.now()`
 */
export function settle(x: Exchange, failure: Failure | null, nowMs: number = performance.now()): void {
  if (x.isSettled) return
  x.isSettled = true
  const { context } = x
  context.wheel.disarm(x.totalTimer)
  if (x.backoffTimer !== null) context.wheel.disarm(x.backoffTimer)
  releaseAttempt(x, failure)
  x.kept = null
  x.failure = failure
  x.durationMs = nowMs - x.startedMs
  if (failure !== null) {
    context.meter.failed(failure)
    if (failure === 'client-abort') x.status = failures[failure].status
  }
  if (x.route !== null) x.route.meter.settled(x.head.method, x.status, x.durationMs / 1000)
  if (context.accessLog !== null) context.accessLog(x)
  // The downstream may begin its next exchange with this very object.
  const { admission } = x
  if (admission !== null) admission.leave(x)
  x.downstream.settled()
  if (admission !== null) admission.goOn()
}

/** Ends an exchange with a failure: a problem document, or, when an answer is already on its way, a visible cut. */
export function fail(x: Exchange, failure: Failure): void {
  if (x.isSettled) return
  if (failure === 'client-abort' || x.status !== 0) x.downstream.cut()
  else {
    x.status = failures[failure].status
    x.downstream.writeProblem(failure)
  }
  settle(x, failure)
}

/** Its timers are not armed any more, but a bucket of the wheel would hold them until it comes round. */
export function forgetTimers({ totalTimer, backoffTimer, context }: Exchange): void {
  context.wheel.remove(totalTimer)
  if (backoffTimer !== null) context.wheel.remove(backoffTimer)
}

/** Gives up the attempt under way, if any, without judging its endpoint. @param failure whose fault it was, not the endpoint's */
function releaseAttempt(x: Exchange, failure: Failure | null): void {
  const { upstream, endpoint } = x
  if (upstream === null || endpoint === null) return
  upstream.abandon()
  endAttempt(x, endpoint, failure, false, performance.now())
}
