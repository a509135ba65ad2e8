import type { Ledger } from '../core/ledger.ts'
import type { Pulse } from './pulse.ts'
import type { ThreadState } from './worker-thread.ts'

/** One data thread, as the admin API shows it. */
export interface ThreadView {
  /** Names it as long as it runs; its `worker` label in metrics. */
  readonly column: number
  /** Never used again. */
  readonly id: number
  readonly state: ThreadState
  /** When it came into that state, ISO 8601. */
  readonly since: string
  /** Threads of this column that were lost since the start: died, fell silent, or ran out of memory. */
  readonly restarts: number
  /** Client connections that are open. */
  readonly connections: number
  /** Exchanges on their way to an endpoint. */
  readonly inflight: number
  /** The latest that its event loop was for a timer in the last ten seconds. */
  readonly eventLoopDelayMs: number
  /** Share of the last ten seconds in which its event loop did not wait, 0 to 1. */
  readonly utilization: number
}

interface Viewed {
  readonly column: number
  readonly id: number
  readonly state: ThreadState
  readonly sinceMs: number
  readonly pulse: Pulse
}

export function viewThread(thread: Viewed, ledger: Ledger, restarts: number): ThreadView {
  const { column, id, state, sinceMs, pulse } = thread
  return {
    column,
    id,
    state,
    since: new Date(sinceMs).toISOString(),
    restarts,
    ...ledger.sharesOf(column),
    eventLoopDelayMs: Math.round(pulse.delayMs * 10) / 10,
    utilization: Math.round(pulse.utilization * 1000) / 1000,
  }
}
