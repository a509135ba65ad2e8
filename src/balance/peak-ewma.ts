import type { Endpoint } from '../core/endpoint.ts'
import type { Feedback, Picker, PickInput } from '../core/picker.ts'
import type { Clock } from '../util/clock.ts'
import type { Balancer } from './contract.ts'
import { Lottery } from './lottery.ts'

/** Of an estimate, 1/e is left after so long. */
const decayMs = 10_000
/** Without a measurement for so long an endpoint counts as not measured: less than 1 % of the estimate is left. */
const forgottenMs = 5 * decayMs
/** What a failed attempt counts at least, and twice what was expected: failing fast must not look like being fast. */
const failureMs = 1000
const maxEstimateMs = 60_000
/** More than any estimate with any number in flight. */
const unknownMs = 1e12
/** The second choice has to be better by so much: who was drawn first was drawn by weight, and noise must not undo that. */
const clearlyLess = 0.8

/**
 * Of two endpoints drawn by weight the one where an answer is to be expected sooner: its latency times what is in flight there,
 * and one more. The latency is an average over 10 s that jumps up to every peak and comes down slowly, shared by all threads.
 *
 * An endpoint that was not measured is tried with one exchange at a time until it is.
 */
export const peakEwma: Balancer = {
  build: (eligible, { random, clock }) => new PeakEwmaPicker(new Lottery(eligible, random), clock),
}

class PeakEwmaPicker implements Picker {
  readonly feedback: Feedback
  readonly #lottery: Lottery
  readonly #clock: Clock
  /** Their mean is 1, so that a weight is a share of what is in flight. */
  readonly #shares: Float64Array
  /** Of the two that were drawn; numbers that a method returned would each be allocated. */
  readonly #loadsMs = new Float64Array(2)

  constructor(lottery: Lottery, clock: Clock) {
    this.#lottery = lottery
    this.#clock = clock
    this.feedback = new PeakEwmaFeedback(clock)
    const mean = lottery.weights.reduce((sum, weight) => sum + weight, 0) / lottery.weights.length
    this.#shares = lottery.weights.map((weight) => weight / mean)
  }

  pick({ tried }: PickInput): Endpoint | null {
    const lottery = this.#lottery
    if (tried !== null) {
      const first = lottery.drawUntried(tried, -1)
      return this.#sooner(first, lottery.drawUntried(tried, first))
    }
    if (lottery.endpoints.length < 2) return lottery.endpoints[0] ?? null
    const first = lottery.draw()
    const second = lottery.draw()
    return this.#sooner(first, second === first ? lottery.drawOther(first) : second)
  }

  /** -1 is none. */
  #sooner(first: number, second: number): Endpoint | null {
    const { endpoints } = this.#lottery
    const a = endpoints[first]
    const b = endpoints[second]
    if (a === undefined || b === undefined) return a ?? null
    const nowMs = toInt32(this.#clock.now())
    const loadsMs = this.#loadsMs
    this.#weigh(a, first, nowMs, 0)
    this.#weigh(b, second, nowMs, 1)
    return loadsMs[1]! < loadsMs[0]! * clearlyLess ? b : a
  }

  /** Writes what is to be expected of an endpoint to a place of `#loadsMs`. */
  #weigh({ cell }: Endpoint, index: number, nowMs: number, place: number): void {
    const peakUs = cell.peakUs()
    const ageMs = ageOf(cell.peakAtMs(), nowMs)
    const inflight = cell.inflight()
    const turns = inflight / this.#shares[index]! + 1
    if (peakUs !== 0 && ageMs <= forgottenMs) {
      this.#loadsMs[place] = (peakUs / 1000) * Math.exp(-ageMs / decayMs) * turns
    } else this.#loadsMs[place] = inflight === 0 ? 0 : unknownMs * turns
  }
}

/** Mixes measurements into the estimates of endpoints, which are in the Ledger. */
class PeakEwmaFeedback implements Feedback {
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  answered({ cell }: Endpoint, elapsedMs: number): void {
    const nowMs = toInt32(this.#clock.now())
    const beforeMs = cell.peakUs() / 1000
    const kept = Math.exp(-ageOf(cell.peakAtMs(), nowMs) / decayMs)
    write(cell, Math.max(elapsedMs, beforeMs * kept + elapsedMs * (1 - kept)), nowMs)
  }

  failed({ cell }: Endpoint, elapsedMs: number): void {
    const nowMs = toInt32(this.#clock.now())
    const beforeMs = (cell.peakUs() / 1000) * Math.exp(-ageOf(cell.peakAtMs(), nowMs) / decayMs)
    write(cell, Math.max(elapsedMs, failureMs, beforeMs * 2), nowMs)
  }

  abandoned({ cell }: Endpoint, elapsedMs: number): void {
    const nowMs = toInt32(this.#clock.now())
    const beforeMs = (cell.peakUs() / 1000) * Math.exp(-ageOf(cell.peakAtMs(), nowMs) / decayMs)
    if (elapsedMs > beforeMs) write(cell, elapsedMs, nowMs)
  }
}

function write(cell: Endpoint['cell'], estimateMs: number, nowMs: number): void {
  cell.setPeak(Math.max(1, Math.round(Math.min(estimateMs, maxEstimateMs) * 1000)), nowMs)
}

/** The lower 32 bits: differences are right up to 24 days. */
function toInt32(ms: number): number {
  return ms | 0
}

/** Never negative: another thread may have written a moment after `nowMs` was read. */
function ageOf(atMs: number, nowMs: number): number {
  return Math.max(0, (nowMs - atMs) | 0)
}
