import { add, type Flow, meanOf, nothing, perSecond, rateOf } from './flow.ts'
import { type Advantage, advantageOf } from './advantage.ts'
import { limitTo } from './limited.ts'
import { muted } from './mute.ts'
import { type Learned, type Probing, type Step, watching } from './phase.ts'

/** Takes away half of what is in flight, or less where that would have others wait long. */
const mostShare = 0.5
/** Less can't be told from noise. */
const leastShare = 0.25
/** Of `pendingTimeout`, or of what answers take: nobody waits more than twice as long for a probe that finds nothing. */
const patience = 0.4
/** What takes longer than this is not looked into. */
const longestQueueMs = 2000

/** From when on those that came before the limit are the last of them. */
const lastFrom = 0.6
/** So many times what they were to take, and they are not through: fewer answers come than did. */
const overdueFactor = 1.8
const overdueMs = 100

/** How much more the time must have fallen than the throughput, and what of the throughput must be left whatever the time did. */
const leastAdvantage = 1.15
const leastRate = 0.75
/** So much is enough before all is seen; of so many answers, in so long. */
const clearAdvantage = 1.5
const clearRate = 0.9
const clearAnswers = 20
const clearMs = 100
/** Where hardly any answers come. */
const clearlyFewer = 0.3
const expectedAnswers = 10

/** Of those in flight before, how many a surge has left at the end of a probe, with those that came since. */
const surgeShare = 0.8

/** How much of what is in flight a probe may take away; null = too little to tell anything. */
export function shareOf(queueMs: number, pendingTimeoutMs: number): number | null {
  if (queueMs > longestQueueMs) return null
  return Math.max(leastShare, Math.min(mostShare, (patience * pendingTimeoutMs) / queueMs))
}

/** @param share of those that can move, how many the limit takes away */
export function probe(learned: Learned, flow: Flow, queueMs: number, share: number): Step {
  const earlier = flow.inflight - learned.held
  const later = earlier * (1 - share)
  const phase: Probing = {
    kind: 'probing',
    sinceMs: flow.nowMs,
    limit: Math.max(1, Math.ceil(learned.held + later)),
    share,
    queueMs,
    earlier,
    later,
    settling: nothing,
    before: nothing,
    under: nothing,
  }
  return { phase, learned, why: null }
}

/**
 * Fewer are in flight than before. Where they wait in the instances, as many answers come as before, and they come sooner; where the
 * service is slow, and does all of them at a time, fewer answers come, after the same time.
 *
 * What came before the limit says nothing of it: judged are the answers after so many as were in flight then.
 */
export function judge(phase: Probing, learned: Learned, flow: Flow, pendingTimeoutMs: number): Step {
  if (flow.inflight + flow.waiting < phase.limit / 2) return { phase: watching, learned, why: null }
  const { settling, earlier, queueMs } = phase
  if (settling.answers < earlier) {
    const before = settling.answers >= earlier * lastFrom ? add(phase.before, flow) : phase.before
    const next = { ...phase, settling: add(settling, flow), before }
    const isOverdue = next.settling.ms > overdueFactor * queueMs + overdueMs
    return isOverdue ? miss(next, learned, flow) : { phase: next, learned, why: null }
  }
  const next = { ...phase, under: add(phase.under, flow) }
  const advantage = advantageOf(next)
  if (isClear(next, advantage)) return found(next, learned, flow)
  const isSeen =
    next.under.answers >= phase.later ||
    next.under.ms >= Math.min(queueMs, Math.max(patience * pendingTimeoutMs, queueMs * leastShare))
  if (!isSeen && !isHopeless(next)) return { phase: next, learned, why: null }
  const holds = advantage.ratio >= leastAdvantage && advantage.rateLeft >= leastRate
  return holds ? found(next, learned, flow) : miss(next, learned, flow)
}

/** More has come than can be done at a time. Where it is being worked off, it was a surge, and nobody has to be refused. */
function found(phase: Probing, learned: Learned, flow: Flow): Step {
  const left = flow.inflight + flow.waiting - learned.held
  if (left >= phase.earlier * surgeShare) return limitTo(phase, learned, flow)
  const why = `a surge: of ${phase.earlier.toFixed(0)} in flight ${left.toFixed(0)} are left, and those that came since`
  return { phase: watching, learned, why }
}

function isClear({ under }: Probing, { rateLeft, ratio }: Advantage): boolean {
  const isMuch = under.answers >= clearAnswers && under.ms >= clearMs
  return isMuch && ratio >= clearAdvantage && rateLeft >= clearRate
}

function isHopeless({ under, settling }: Probing): boolean {
  const expected = under.ms * rateOf(settling)
  return under.ms >= clearMs && expected >= expectedAnswers && under.answers < expected * clearlyFewer
}

function miss({ under, before, settling, limit, queueMs }: Probing, learned: Learned, flow: Flow): Step {
  const seen = under.answers > 0 ? under : settling
  const taken = meanOf(seen)
  const came = `${perSecond(rateOf(under))} answers/s came instead of ${perSecond(rateOf(settling))}, after ${taken.toFixed(0)} ms`
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
