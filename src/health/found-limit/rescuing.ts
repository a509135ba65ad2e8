import { add, type Flow, meanOf, nothing, perSecond, rateOf, type Tally } from './flow.ts'
import { limitAt } from './limited.ts'
import { muted } from './mute.ts'
import { type Learned, type Losses, type Rescuing, type Step, watching } from './phase.ts'

/** How long it is looked at, and how many must have ended unanswered meanwhile. */
const lossesMs = 2000
const leastUnanswered = 20
/** A service that has never answered so many a second may be one that is meant to be silent. */
const leastBestRate = 20 / 1000
/** Of its best throughput: what is left of it, and what shows that it is back. */
const lostShare = 0.5
const backShare = 0.6
/** Even the quickest takes so many times what it takes unloaded. */
const lateFactor = 4
const headroom = 1.5
/** Those that gave up are worked on still: it takes a while until answers come. */
const longestMs = 45_000
const tallyMs = 1000

/** Begins, or goes on, to count what is lost; null = there is nothing to fear. */
export function countLosses(losses: Losses | null, tally: Tally, flow: Flow, isCrowded: boolean): Losses | null {
  if (!isCrowded) return null
  if (losses === null) return { sinceMs: flow.nowMs, unansweredBefore: flow.unanswered, answers: 0, leastMs: null }
  const leastMs = tally.leastMs === null ? losses.leastMs : Math.min(tally.leastMs, losses.leastMs ?? Infinity)
  return { ...losses, answers: losses.answers + tally.answers, leastMs }
}

/** Enough was counted to say whether the service has collapsed. */
export function isCounted({ sinceMs }: Losses, flow: Flow): boolean {
  return flow.nowMs - sinceMs >= lossesMs
}

/**
 * The queue has become so long that clients give up before it is their turn, and the instances work for nobody. No probe can show that any
 * more; and those who come have nothing to lose.
 */
export function hasCollapsed(
  { sinceMs, unansweredBefore, answers, leastMs }: Losses,
  learned: Learned,
  flow: Flow,
): boolean {
  const { baseMs, bestRate } = learned
  const unanswered = flow.unanswered - unansweredBefore
  if (baseMs === null || bestRate < leastBestRate || unanswered < leastUnanswered || unanswered < answers) return false
  const isLate = leastMs === null || leastMs >= lateFactor * baseMs
  return isLate && answers / (flow.nowMs - sinceMs) < bestRate * lostShare
}

export function rescue(learned: Learned, flow: Flow): Step {
  const serviceMs = learned.calmMs ?? learned.usualMs ?? 0
  const limit = Math.ceil(learned.held + Math.max(flow.endpoints, learned.bestRate * serviceMs * headroom))
  return { phase: { kind: 'rescuing', sinceMs: flow.nowMs, limit, tally: nothing }, learned, why: null }
}

/** A limit is in force to see whether answers come again, once those are through that nobody waits for. */
export function awaitAnswers(phase: Rescuing, learned: Learned, flow: Flow): Step {
  const tally = add(phase.tally, flow)
  if (tally.ms < tallyMs) return { phase: { ...phase, tally }, learned, why: null }
  const seen = perSecond(rateOf(tally))
  if (rateOf(tally) >= learned.bestRate * backShare) {
    const why = `most were given up before they were answered; with ${phase.limit} in flight ${seen} answers/s come again`
    const serviceMs = Math.min(learned.calmMs ?? Infinity, meanOf(tally))
    return { ...limitAt({ rate: rateOf(tally), serviceMs, trial: null }, learned, flow), why }
  }
  if (flow.nowMs - phase.sinceMs < longestMs) return { phase: { ...phase, tally: nothing }, learned, why: null }
  const why = `most are given up before they are answered, and with ${phase.limit} in flight as well: ${seen} answers/s`
  return { phase: watching, learned: muted({ ...learned, bestRate: rateOf(tally) }, flow.nowMs, 0), why }
}
