import { add, blend, type Flow, least, meanOf, nothing, rateOf, type Tally } from './flow.ts'
import type { Learned, Step, Watching } from './phase.ts'
import { probe, shareOf } from './probing.ts'
import { countLosses, hasCollapsed, isCounted, rescue } from './rescuing.ts'

/** Answers that say something together, and how long they may take to come. */
const fewAnswers = 6
const longTallyMs = 500
/** The fewest that a long tally may have. Under ten answers a second nothing is ever suspected. */
const leastAnswers = 5
/** An endpoint with fewer in flight is not suspected of having too many. */
const manyPerEndpoint = 8
/** Late is when even the quickest takes so many times what it takes unloaded, and the last in flight so many times. */
const lateFactor = 2
const queueFactor = 3
const lateInARow = 3
/**
 * A service that has just become slow answers less than it is asked for until what it takes now has passed: a throughput under this
 * share of the usual one is believed only after so many times what answers take.
 */
const usualShare = 0.85
const settledAfter = 1.3
/** One that took so many times as long as when a probe found nothing is looked at again, muted or not. */
const unmuteFactor = 2

const forgetMs = 60_000
const usualWithinMs = 5000
/** A burst is no throughput. */
const bestWithinMs = 1000
/** A queue that grows looks like one that is held: it must not be taken for it soon. */
const heldWithinMs = 10_000
const releasedWithinMs = 2000
/** A fluke must not count for all: each tally brings the base down by so much of the difference. */
const baseShare = 0.3

/**
 * No limit is in force. Suspected is a service that has many in flight, and whose quickest answer is late, several times in a row: a
 * queue stands somewhere, or it has become slow. Which of them, a probe has to show.
 */
export function watch(phase: Watching, learned: Learned, flow: Flow, pendingTimeoutMs: number): Step {
  const tally = add(phase.tally, flow)
  if (tally.answers < fewAnswers && tally.ms < longTallyMs) return { phase: { ...phase, tally }, learned, why: null }
  const isCrowded = flow.inflight - learned.held >= manyPerEndpoint * Math.max(flow.endpoints, 1)
  const isLate = isCrowded && tally.answers >= leastAnswers && late(tally, learned, flow)
  const known = learn(isCrowded ? learned : calm(learned, tally), tally, flow, isLate)
  const losses = countLosses(phase.losses, tally, flow, isCrowded)
  const isOver = losses !== null && isCounted(losses, flow)
  if (isOver && hasCollapsed(losses, learned, flow)) return rescue(known, flow)
  const next: Watching = {
    kind: 'watching',
    tally: nothing,
    late: isLate ? [...phase.late, tally].slice(-lateInARow) : [],
    lateSinceMs: isLate ? (phase.lateSinceMs ?? flow.nowMs - tally.ms) : null,
    losses: isOver ? null : losses,
  }
  const queueMs = queueMsOf(next, tally, learned, flow)
  const share = queueMs === null ? null : shareOf(queueMs, pendingTimeoutMs)
  if (queueMs === null || share === null) return { phase: next, learned: known, why: null }
  return probe(known, flow, queueMs, share)
}

/** What the last in flight is to take, where that is a reason for a probe; null = it is none. */
function queueMsOf(
  { late: lateOnes, lateSinceMs }: Watching,
  tally: Tally,
  learned: Learned,
  flow: Flow,
): number | null {
  if (lateOnes.length < lateInARow) return null
  // The first began before it was late.
  const rate = rateOf(lateOnes.slice(1).reduce(sum))
  const queueMs = (flow.inflight - learned.held) / rate
  if (flow.nowMs < learned.mutedUntilMs && queueMs < unmuteFactor * learned.missedAtMs) return null
  const lateForMs = flow.nowMs - (lateSinceMs ?? 0)
  const isSettling = rate < learned.usualRate * usualShare && lateForMs < settledAfter * meanOf(tally)
  return isSettling ? null : queueMs
}

function late(tally: Tally, { baseMs, held }: Learned, { inflight }: Flow): boolean {
  const { leastMs } = tally
  if (leastMs === null || baseMs === null || leastMs < lateFactor * baseMs) return false
  const queueMs = (inflight - held) / rateOf(tally)
  // Where fewer are in flight than the answers say, they came in a burst, as those of long polls do.
  return queueMs >= queueFactor * baseMs && queueMs >= leastMs / 2
}

function calm(learned: Learned, tally: Tally): Learned {
  if (tally.answers === 0) return learned
  const mean = meanOf(tally)
  const calmMs = learned.calmMs === null ? mean : blend(learned.calmMs, mean, tally.ms, usualWithinMs)
  return { ...learned, calmMs }
}

function learn(learned: Learned, tally: Tally, flow: Flow, isLate: boolean): Learned {
  const { leastMs, ms } = tally
  if (leastMs === null) return learned
  const { baseMs, usualMs, usualRate, held } = learned
  const base = baseMs === null ? leastMs : towards(baseMs, leastMs, ms)
  const rate = rateOf(tally)
  const bestRate = blend(learned.bestRate, rate, ms, rate > learned.bestRate ? bestWithinMs : forgetMs)
  if (isLate) return { ...learned, baseMs: base, bestRate }
  const mean = meanOf(tally)
  const heldNow = Math.max(0, flow.inflight - rateOf(tally) * mean)
  return {
    ...learned,
    baseMs: base,
    bestRate,
    usualMs: usualMs === null ? mean : blend(usualMs, mean, ms, usualWithinMs),
    usualRate: blend(usualRate, rateOf(tally), ms, usualWithinMs),
    held:
      leastMs >= lateFactor * base ? held : blend(held, heldNow, ms, heldNow > held ? heldWithinMs : releasedWithinMs),
  }
}

function towards(baseMs: number, leastMs: number, ms: number): number {
  return leastMs < baseMs ? baseMs + (leastMs - baseMs) * baseShare : blend(baseMs, leastMs, ms, forgetMs)
}

function sum(a: Tally, b: Tally): Tally {
  return {
    ms: a.ms + b.ms,
    answers: a.answers + b.answers,
    sumMs: a.sumMs + b.sumMs,
    leastMs: least(a.leastMs, b.leastMs),
  }
}
