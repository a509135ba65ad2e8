import { add, blend, type Flow, meanOf, nothing, perSecond, rateOf } from './flow.ts'
import { advantageOf } from './advantage.ts'
import { muted } from './mute.ts'
import { type Dip, type Learned, type Limited, type Probing, type Step, type Trial, watching } from './phase.ts'

/** In flight, of what the service does at a time: so much more that none of its places is empty between two looks of the balancer. */
const headroom = 1.5
/** Of a dip: nothing can queue. */
const dipShare = 0.5
const firstDipMs = 1000
const dipEveryMs = 30_000
/** A throughput that has moved by so much asks for one before. */
const movedBy = 0.25
const changedBy = 0.2

const fewAnswers = 20
const shortMs = 200
const longMs = 1000
const rateWithinMs = 1000
const heldWithinMs = 5000
/** Below this share of the throughput that was found, the limit is what holds it down. */
const trialShare = 0.8
/** Of what may be in flight under the probe, at most so much under the limit that follows. */
const trialStep = 0.7
const overdueFactor = 1.5
/** So many answers that should have come, and none has. */
const silentAnswers = 10
/** Under this share of the limit in flight for so long, it is needed no more. */
const quietShare = 0.6
const quietMs = 5000
const leastPending = 2
/** What leaves no doubt. */
const sureQueueMs = 800
const sureAdvantage = 1.6
const sureRate = 0.9

/** A probe has found overload. */
export function limitTo(probing: Probing, learned: Learned, flow: Flow): Step {
  const { under, settling, limit, before, share } = probing
  const rate = Math.min(rateOf(settling), rateOf(under))
  const serviceMs = Math.min(learned.usualMs ?? Infinity, meanOf(under))
  const came = `as many answers came, ${perSecond(rateOf(under))}/s`
  const took = `what they took fell from ${meanOf(before).toFixed(0)} to ${meanOf(under).toFixed(0)} ms`
  const why = `with ${(share * 100).toFixed(0)} % fewer in flight (${limit}) ${came}, and ${took}`
  const trial = trialOf(probing, learned, flow, rate)
  const { phase, learned: known } = limitAt({ rate, serviceMs, trial }, learned, flow)
  // Whatever it comes to, it has to be a step down, or nothing is tried.
  const most = Math.max(1, Math.ceil(learned.held + probing.later * trialStep))
  return { phase: { ...phase, limit: Math.min(phase.limit, most) }, learned: known, why }
}

/** The limit that follows from what is known so far. */
export function limitAt(
  { rate, serviceMs, trial }: Pick<Limited, 'rate' | 'serviceMs' | 'trial'>,
  learned: Learned,
  flow: Flow,
): { readonly phase: Limited; readonly learned: Learned } {
  const phase: Limited = {
    kind: 'limited',
    limit: 0,
    pending: 0,
    rate,
    serviceMs,
    endpoints: flow.endpoints,
    tally: nothing,
    quietSinceMs: null,
    dip: null,
    nextDipMs: flow.nowMs + firstDipMs,
    dippedRate: rate,
    trial,
  }
  return { phase: sized(phase, learned), learned: { ...learned, misses: 0 } }
}

function trialOf(probing: Probing, { held }: Learned, { inflight, nowMs }: Flow, rate: number): Trial {
  const earlier = inflight - held
  return {
    earlier,
    overdueAtMs: nowMs + (earlier / rate) * overdueFactor,
    silentSinceMs: nowMs,
    isDoubted: isDoubted(probing),
  }
}

/** Few answers, or a small step: it may have been chance. */
function isDoubted(probing: Probing): boolean {
  const { rateLeft, ratio } = advantageOf(probing)
  return (
    probing.under.answers < fewAnswers || probing.queueMs > sureQueueMs || ratio < sureAdvantage || rateLeft < sureRate
  )
}

/**
 * As many are in flight as the service does at a time, by Little's law: its throughput, times what an answer takes that waits for
 * nothing. The first is seen all the time, the second in dips.
 */
export function follow(phase: Limited, learned: Learned, flow: Flow): Step {
  if (flow.endpoints !== phase.endpoints && flow.endpoints > 0)
    return follow(rescaled(phase, learned, flow), learned, flow)
  const quietSinceMs = isQuiet(phase, learned, flow) ? (phase.quietSinceMs ?? flow.nowMs) : null
  if (quietSinceMs !== null && flow.nowMs - quietSinceMs >= quietMs) {
    const why = `for ${quietMs / 1000} s less than ${phase.limit} were in flight, and none waited`
    return { phase: watching, learned, why }
  }
  const next = { ...phase, quietSinceMs }
  return phase.dip === null ? measure(next, learned, flow) : duringDip(next, phase.dip, learned, flow)
}

function measure(phase: Limited, learned: Learned, flow: Flow): Step {
  const { trial } = phase
  if (trial !== null && isSettling(trial, phase, flow)) {
    const silentSinceMs = flow.answers > 0 ? flow.nowMs : trial.silentSinceMs
    const left = { ...trial, earlier: trial.earlier - flow.answers, silentSinceMs }
    return { phase: { ...phase, trial: left }, learned, why: null }
  }
  const tally = add(phase.tally, flow)
  const isFull = flow.waiting > 0 || flow.inflight >= phase.limit * 0.9
  if (tally.ms < longMs && (tally.answers < fewAnswers || tally.ms < shortMs)) {
    return { phase: { ...phase, tally }, learned, why: null }
  }
  const seen = rateOf(tally)
  if (trial !== null && isFull && seen < phase.rate * trialShare) {
    const why = `with ${phase.limit} in flight only ${perSecond(seen)} answers/s came instead of ${perSecond(phase.rate)}: not overloaded`
    return { phase: watching, learned: muted(learned, flow.nowMs, flow.inflight / phase.rate), why }
  }
  // What comes while there is room says how much is asked for, not how much can be done.
  const rate = isFull || seen > phase.rate ? blend(phase.rate, seen, tally.ms, rateWithinMs) : phase.rate
  const heldNow = Math.max(0, flow.inflight - seen * meanOf(tally))
  const held = blend(learned.held, heldNow < flow.inflight * 0.15 ? 0 : heldNow, tally.ms, heldWithinMs)
  const known = { ...learned, held }
  const next = sized({ ...phase, rate, tally: nothing, trial: null }, known)
  const hasMoved = Math.abs(rate / phase.dippedRate - 1) > movedBy
  const nextDipMs = hasMoved ? Math.min(phase.nextDipMs, flow.nowMs) : phase.nextDipMs
  if (!isFull || flow.nowMs < nextDipMs) return { phase: { ...next, nextDipMs }, learned: known, why: null }
  return { phase: { ...next, dip: dipOf(next, known, flow) }, learned: known, why: null }
}

function isSettling({ earlier, overdueAtMs, silentSinceMs }: Trial, { rate }: Limited, { nowMs }: Flow): boolean {
  return earlier > 0 && nowMs < overdueAtMs && (nowMs - silentSinceMs) * rate < silentAnswers
}

function dipOf({ rate, serviceMs, endpoints }: Limited, { held }: Learned, flow: Flow): Dip {
  const limit = Math.ceil(held + Math.max(endpoints, rate * serviceMs * dipShare))
  const drainMs = Math.max(0, flow.inflight - limit) / rate
  const pending = Math.max(leastPending, Math.ceil(rate * serviceMs * dipShare))
  return { limit, pending, settledAtMs: flow.nowMs + drainMs + serviceMs, tally: nothing }
}

function duringDip(phase: Limited, dip: Dip, learned: Learned, flow: Flow): Step {
  if (flow.nowMs <= dip.settledAtMs) return { phase, learned, why: null }
  const tally = add(dip.tally, flow)
  const isOver = tally.ms >= longMs || (tally.answers >= fewAnswers / 2 && tally.ms >= phase.serviceMs)
  if (!isOver) return { phase: { ...phase, dip: { ...dip, tally } }, learned, why: null }
  const serviceMs = tally.answers === 0 ? phase.serviceMs : meanOf(tally)
  const hasChanged = Math.abs(serviceMs / phase.serviceMs - 1) > changedBy
  const nextDipMs = flow.nowMs + (hasChanged ? firstDipMs : dipEveryMs)
  const dippedRate = phase.rate
  const next = sized({ ...phase, serviceMs, dip: null, tally: nothing, nextDipMs, dippedRate }, learned)
  const baseMs = tally.leastMs ?? learned.baseMs
  return { phase: next, learned: { ...learned, usualMs: serviceMs, baseMs }, why: null }
}

/** Endpoints have come or gone: what can be done has changed by as much, until it is seen. */
function rescaled(phase: Limited, learned: Learned, flow: Flow): Limited {
  const rate = phase.endpoints === 0 ? phase.rate : (phase.rate * flow.endpoints) / phase.endpoints
  return sized({ ...phase, rate, endpoints: flow.endpoints, tally: nothing, dip: null, trial: null }, learned)
}

function sized(phase: Limited, { held }: Learned): Limited {
  const atATime = phase.rate * phase.serviceMs
  return {
    ...phase,
    limit: Math.ceil(held + Math.max(phase.endpoints, atATime * headroom)),
    pending: Math.max(leastPending, Math.ceil(atATime)),
  }
}

function isQuiet({ limit, dip }: Limited, { held }: Learned, { inflight, waiting }: Flow): boolean {
  return dip === null && waiting === 0 && inflight - held < (limit - held) * quietShare
}
