import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parsePeakBytes, resetPeak } from '../../macro/procfs.ts'
import { type Fault, fault, type Outcome } from '../fault.ts'
import { goodput } from '../figures.ts'
import { missed, noneLost } from '../judge.ts'

/**
 * An instance works on so many requests at a time, and takes so long for each: what three can do, 300 requests/s, and three times that, is little
 * for this machine.
 */
const slots = 4
const latencyMs = 40
const overloadConnections = 512
const leastGoodput = 0.9
const mostLatency = 3
const mebibyte = 1024 ** 2
const mostPeakMebibytes = 400
/** The steady load is half of what can be answered; together it is three times that. */
const addedShare = 2.5

/** In which a limit is found, and what waited until then is worked off: what comes to it is said, not hidden. */
const convergenceMs = 3000

const overload: Fault = fault({
  name: 'overloaded',
  does: 'overload at 3 × capacity',
  holds: 'goodput ≥ 90 % of peak, p99 of accepted ≤ 3 × normal, memory bounded',
  pace: { seconds: 60, times: 1 },
  // Few enough that none is refused.
  peakConnections: slots * 3 * 2,
  async strike({ world, seconds, peakPerSecond, addLoad, blow }) {
    resetPeak(world.pid)
    blow()
    await addLoad({ connections: overloadConnections, ratePerSecond: Math.round(peakPerSecond * addedShare) })
    await delay(seconds * 1000)
    const peakBytes = parsePeakBytes(readFileSync(`/proc/${world.pid}/status`, 'latin1'))
    return { peakMebibytes: Math.round(peakBytes / mebibyte) }
  },
  judge: (outcome) => judge(outcome, 0),
})

/** Where nobody says what the instances can take, it is found out. */
export const overloaded: Fault = {
  ...overload,
  does: 'overload at 3 × capacity; maxRequests: auto',
  setting: { latencyMs, slots, serviceKeys: { maxRequests: 'auto' } },
  holds: `${overload.holds}; p99 after the first ${convergenceMs / 1000} s`,
  judge: (outcome) => judge(outcome, convergenceMs),
}

export const overloadedLimited: Fault = {
  ...overload,
  name: 'overloaded-limited',
  does: 'overload at 3 × capacity; maxRequests as the instances can take',
  setting: { latencyMs, slots, serviceKeys: { maxRequests: slots * 3, maxPending: slots * 3 } },
}

/** @param unjudgedMs of the overload, in which the time to an answer is not judged; the throughput is, from the beginning */
function judge(outcome: Outcome, unjudgedMs: number): readonly string[] {
  const { figures, peakPerSecond, facts } = outcome
  const { perSecond } = during(outcome, 0)
  const { p99Ms } = during(outcome, unjudgedMs)
  const share = perSecond / peakPerSecond
  const mostMs = mostLatency * figures.p99BeforeMs
  return [
    ...missed(share < leastGoodput, `goodput ${Math.round(share * 100)} % of peak`),
    ...missed(p99Ms > mostMs, `p99 of accepted ${p99Ms.toFixed(0)} ms, more than ${mostMs.toFixed(0)}`),
    ...missed((facts.peakMebibytes ?? 0) > mostPeakMebibytes, `memory ${facts.peakMebibytes} MiB`),
    ...noneLost(outcome),
  ]
}

function during({ steady, added, struckMs, endedMs }: Outcome, afterMs: number) {
  return goodput([steady, ...added], struckMs + afterMs, endedMs)
}
