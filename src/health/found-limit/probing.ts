import { add, type Flow, meanOf, nothing, perSecond, rateOf } from './flow.ts'
import { limitTo } from './limited.ts'
import { muted } from './mute.ts'
import { type Learned, type Probing, type Step, watching } from './phase.ts'

/** Takes away half of what is in flight, or less where that would have others wait long. */
const mostShare = 0.5
/** Less can't be told from noise. */
const leastShare = 0.2
/** Of `pendingTimeout`: nobody waits longer for a probe that finds nothing. */
const patience = 0.4
/** Of the answers that must have come, times the share that was taken away. */
const rateSlack = 0.35

const leastWatchedMs = 100
/** Of `pendingTimeout`, at most. */
const mostWatched = 0.3
/** Answers to watch, for a share of one half; noise weighs more where less was taken away. */
const answersOfHalf = 24
/** How long the last that came before the limit are looked at, before they are through. */
const lastShare = 0.3
/** After the time that they should take. */
const slackFactor = 1.1
const slackMs = 50

/** How much of what is in flight a probe may take away; null = too little to tell anything. */
export function shareOf(queueMs: number, pendingTimeoutMs: number): number | null {
  const share = Math.min(mostShare, (patience * pendingTimeoutMs) / queueMs)
  return share >= leastShare ? share : null
}

interface Suspicion {
  readonly learned: Learned
  readonly flow: Flow
  readonly rate: number
  readonly queueMs: number
  readonly pendingTimeoutMs: number
}

export function probe({ learned, flow, rate, queueMs, pendingTimeoutMs }: Suspicion): Step {
  const share = shareOf(queueMs, pendingTimeoutMs) ?? leastShare
  const movable = flow.inflight - learned.held
  const phase: Probing = {
    kind: 'probing',
    sinceMs: flow.nowMs,
    limit: Math.max(1, Math.ceil(learned.held + movable * (1 - share))),
    share,
    rate,
    queueMs,
    before: nothing,
    under: nothing,
  }
  return { phase, learned, why: null }
}

/**
 * Fewer are in flight than before. Where they wait in the instances, as many answers come as before, and they come sooner; where the
 * service is slow, and does all of them at a time, fewer answers come, after the same time.
 *
 * What came before the limit says nothing of it: judged are the answers to those that came later, a whole latency after.
 */
export function judge(phase: Probing, learned: Learned, flow: Flow, pendingTimeoutMs: number): Step {
  const elapsedMs = flow.nowMs - phase.sinceMs
  if (flow.inflight + flow.waiting < phase.limit / 2) return { phase: watching, learned, why: null }
  const throughMs = phase.queueMs * slackFactor + slackMs
  if (elapsedMs <= throughMs) {
    const isLast = elapsedMs > phase.queueMs * (1 - lastShare)
    return { phase: isLast ? { ...phase, before: add(phase.before, flow) } : phase, learned, why: null }
  }
  const next = { ...phase, under: add(phase.under, flow) }
  if (!isEnough(next, pendingTimeoutMs)) return { phase: next, learned, why: null }
  return holds(next) ? limitTo(next, learned, flow) : miss(next, learned, flow)
}

function isEnough({ under, rate, queueMs, share }: Probing, pendingTimeoutMs: number): boolean {
  if (under.ms >= pendingTimeoutMs * mostWatched) return true
  const expected = under.ms * rate
  if (under.ms >= leastWatchedMs && expected >= 10 && under.answers < expected * 0.3) return true
  const wanted = answersOfHalf * (mostShare / share) ** 2
  return under.ms >= Math.max(leastWatchedMs, queueMs * share) && expected >= wanted
}

function holds({ before, under, rate, share }: Probing): boolean {
  if (before.answers === 0 || under.answers === 0) return false
  const comesSooner = meanOf(under) <= meanOf(before) * (1 - share / 2)
  return comesSooner && rateOf(under) >= rate * (1 - rateSlack * share)
}

function miss({ under, before, rate, limit, queueMs }: Probing, learned: Learned, flow: Flow): Step {
  const taken = meanOf(under.answers > 0 ? under : before)
  const came = `${perSecond(rateOf(under))} answers/s came instead of ${perSecond(rate)}, after ${taken.toFixed(0)} ms`
  return {
    phase: watching,
    learned: {
      ...muted(learned, flow.nowMs, queueMs),
      // What it takes now is what it takes.
      baseMs: Math.max(learned.baseMs ?? 0, under.leastMs ?? before.leastMs ?? 0),
      usualMs: taken > 0 ? taken : learned.usualMs,
    },
    why: `slow, not overloaded: with ${limit} in flight ${came}`,
  }
}
