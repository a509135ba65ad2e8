import { monotonicMs, type Clock } from '../util/clock.ts'

/** The control plane's time: two clocks and an alarm, so that tests need no real time. */
export interface ControlClock extends Clock {
  /** Milliseconds since the Unix epoch, for what humans and files read; it may jump. */
  readonly wallMs: () => number
  /** Runs `task` once, `delayMs` from now; returns what cancels it. Keeps no process alive. */
  readonly after: (delayMs: number, task: () => void) => Cancel
}

export type Cancel = () => void

export const systemControlClock: ControlClock = {
  now: monotonicMs,
  wallMs: Date.now,
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
