import type { Endpoint } from '../core/endpoint.ts'
import { failures, type Failure } from '../core/failure.ts'
import type { Evidence } from '../core/service.ts'
import type { Exchange } from './exchange.ts'

/**
 * An attempt is over, whatever became of it: counts it, has its endpoint judged by it, and gives back the endpoint's place.
 *
 * @param outcome status of an answer, or why there is none, or only a part; null = it was given up, and nothing failed
 * @param isEvidence false where a failure says nothing about the endpoint
 */
export function endAttempt(
  x: Exchange,
  endpoint: Endpoint,
  outcome: number | Failure | null,
  isEvidence: boolean,
  nowMs: number,
): void {
  const route = x.route
  if (route === null) return
  const { service } = route
  const { cell, meter } = endpoint
  const { feedback } = service
  const isAnswer = typeof outcome === 'number'
  const fault = faultOf(outcome)
  cell.count(fault !== null)
  if (!isAnswer && x.status === 0) service.cell.addUnanswered()
  if (isAnswer) meter.answered(outcome)
  else if (outcome !== null) meter.failed(outcome)
  if (fault !== null && isEvidence) {
    service.outlier.failed(service, endpoint, fault)
    if (feedback !== null) feedback.failed(endpoint, nowMs - x.attemptMs)
  } else if (isAnswer) service.outlier.succeeded(service, endpoint)
  // What was waited for in vain was waited for.
  else if (feedback !== null && x.requestDone && x.status === 0) feedback.abandoned(endpoint, nowMs - x.attemptMs)
  // The last touch of the row: with nothing in flight it may become another endpoint's.
  cell.release()
  x.upstream = null
}

/** What the endpoint did wrong. */
function faultOf(outcome: number | Failure | null): Evidence | null {
  if (typeof outcome === 'number') return outcome >= 500 ? '5xx' : null
  return outcome !== null && failures[outcome].blame === 'upstream' ? outcome : null
}
