import { add, blend, type Flow, least, meanOf, rateOf, type Tally } from './flow.ts'
import { type Learned, type Step, type Watching, watching } from './phase.ts'
import { probe, shareOf } from './probing.ts'

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
  const isLate = tally.answers >= leastAnswers && late(tally, learned, flow)
  const lateOnes = isLate ? [...phase.late, tally].slice(-lateInARow) : []
  const lateSinceMs = isLate ? (phase.lateSinceMs ?? flow.nowMs - tally.ms) : null
  const next = { ...watching, late: lateOnes, lateSinceMs }
  const known = learn(learned, tally, flow, isLate)
  if (lateOnes.length < lateInARow) return { phase: next, learned: known, why: null }
  // The first began before it was late.
  const rate = rateOf(lateOnes.slice(1).reduce(sum))
  const queueMs = (flow.inflight - learned.held) / rate
  const isMuted = flow.nowMs < learned.mutedUntilMs && queueMs < unmuteFactor * learned.missedAtMs
  const isSettling =
    rate < learned.usualRate * usualShare && flow.nowMs - (lateSinceMs ?? 0) < settledAfter * meanOf(tally)
  const share = shareOf(queueMs, pendingTimeoutMs)
  if (isMuted || isSettling || share === null) return { phase: next, learned: known, why: null }
  return probe(learned, flow, queueMs, share)
}

function late({ leastMs, ...tally }: Tally, { baseMs, held }: Learned, { inflight, endpoints }: Flow): boolean {
  if (leastMs === null || baseMs === null) return false
  const movable = inflight - held
  if (movable < manyPerEndpoint * Math.max(endpoints, 1) || leastMs < lateFactor * baseMs) return false
  const queueMs = movable / rateOf({ ...tally, leastMs })
  // Where fewer are in flight than the answers say, they came in a burst, as those of long polls do.
  return queueMs >= queueFactor * baseMs && queueMs >= leastMs / 2
}

function learn(learned: Learned, tally: Tally, flow: Flow, isLate: boolean): Learned {
  const { leastMs, ms } = tally
  if (leastMs === null) return learned
  const { baseMs, usualMs, usualRate, held } = learned
  const base = baseMs === null ? leastMs : towards(baseMs, leastMs, ms)
  if (isLate) return { ...learned, baseMs: base }
  const mean = meanOf(tally)
  const heldNow = Math.max(0, flow.inflight - rateOf(tally) * mean)
  return {
    ...learned,
    baseMs: base,
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
