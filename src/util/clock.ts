import { performance } from 'node:perf_hooks'

/** Offset that turns this thread's `performance.now()` into the machine's monotonic clock, so that all threads agree. */
const offsetMs = (() => {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6 - performance.now()
})()

/** Monotonic milliseconds, the same in every thread of the process; never jumps with the wall clock. */
export function monotonicMs(): number {
  return performance.now() + offsetMs
}

/** Where time comes from, so that tests can move it. `now` is monotonic milliseconds. */
export interface Clock {
  readonly now: () => number
}

export const systemClock: Clock = { now: monotonicMs }
