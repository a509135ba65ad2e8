/** What passed through a service between two looks, over all data threads. */
export interface Flow {
  readonly nowMs: number
  /** Since the look before. */
  readonly lengthMs: number
  /** Response heads that came, but for those that took longer than `longestAnswerMs`. */
  readonly answers: number
  /** What they took together. */
  readonly sumMs: number
  /** What the quickest of them took; null when none came. */
  readonly leastMs: number | null
  /** Attempts that ended without a response head, since the service is there. */
  readonly unanswered: number
  /** Attempts on their way now, whether or not they hold a place. */
  readonly inflight: number
  /** Exchanges that wait for a place now. */
  readonly waiting: number
  /** Endpoints that may be picked. */
  readonly endpoints: number
}

/** Flows put together, until there is enough to judge by. */
export interface Tally {
  readonly ms: number
  readonly answers: number
  readonly sumMs: number
  readonly leastMs: number | null
}

export const nothing: Tally = { ms: 0, answers: 0, sumMs: 0, leastMs: null }

export function add(tally: Tally, { lengthMs, answers, sumMs, leastMs }: Flow): Tally {
  return {
    ms: tally.ms + lengthMs,
    answers: tally.answers + answers,
    sumMs: tally.sumMs + sumMs,
    leastMs: least(tally.leastMs, leastMs),
  }
}

export function least(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.min(a, b)
}

/** Answers a millisecond. */
export function rateOf({ answers, ms }: Tally): number {
  return ms === 0 ? 0 : answers / ms
}

/** What an answer took; 0 when there was none. */
export function meanOf({ answers, sumMs }: Tally): number {
  return answers === 0 ? 0 : sumMs / answers
}

export function perSecond(rate: number): string {
  return (rate * 1000).toFixed(0)
}

/** Brings `before` nearer to `now`: all the way but for 1/e in `inMs`. */
export function blend(before: number, now: number, ms: number, inMs: number): number {
  return before + (now - before) * (1 - Math.exp(-ms / inMs))
}
