import type { SettledExchange } from '../core/exchange.ts'
import type { Ledger } from '../core/ledger.ts'
import type { ConnectMiddleware } from '../core/middleware.ts'
import type { ListenSocket } from '../core/listen-socket.ts'
import type { ControlMessage, ThreadMessage } from '../core/message.ts'
import { InProcess } from './in-process.ts'
import type { MemoryReading } from './memory-watch.ts'
import { Supervisor } from './supervise.ts'
import type { LentSockets } from './lent-sockets.ts'
import type { ThreadView } from './thread-view.ts'

/** The data threads as the control plane sees them: it tells them things and hears from them, wherever they run. */
export interface DataPlane {
  start(): void
  /** To every thread that runs. */
  send(message: ControlMessage): void
  /**
   * Has one thread replaced while the others, and its replacement, serve on: a fresh thread opens the listeners, then the old one
   * stops accepting, finishes its exchanges, and ends.
   */
  drain(column: number): DrainAnswer
  /** No thread accepts any more; resolves when all have finished what is in flight. @returns how many connections were cut */
  drainAll(deadlineMs: number): Promise<number>
  stop(): Promise<void>
  /** Threads that run now. */
  running(): readonly RunningThread[]
  /**
   * What the threads listen on; those that stop listening left out. Null while one of them starts, and may listen on more in a
   * moment.
   */
  listening(): readonly ListenSocket[] | null
  /** The threads with everything there is to say of them, by column. */
  threads(): readonly ThreadView[]
}

export interface RunningThread {
  readonly column: number
  /** Share of the last ten seconds in which its event loop did not wait, 0 to 1. */
  readonly utilization: number
}

/** `detail` says for humans why not, and what to do. */
export type DrainAnswer =
  | { readonly drains: true; readonly replacement: number }
  | { readonly drains: false; readonly reason: 'unknown' | 'busy'; readonly detail: string }

/** How a data thread came to its end. */
export interface ThreadLoss {
  readonly cause: string
  /** It was drained because somebody asked for it. */
  readonly wasAsked: boolean
  /** It had stopped listening before. */
  readonly wasLeaving: boolean
}

export interface DataPlaneEvents {
  /** A thread takes messages and knows nothing yet. @param id unique, never used again */
  readonly onStarted: (id: number, send: (message: ControlMessage) => void) => void
  readonly onMessage: (id: number, message: ThreadMessage) => void
  /** A thread drains, and its replacement serves: what it still acknowledges counts for nothing. */
  readonly onLeaving: (id: number) => void
  /** A thread is gone and what it had in flight is taken back; a new one is there, or on its way. */
  readonly onLost: (id: number, loss: ThreadLoss) => void
}

export interface DataPlaneOptions extends DataPlaneEvents {
  /** 0 = in the main thread. */
  readonly workers: number
  /** Threads can listen on the same addresses; then a thread can be replaced by one that is there before it goes. */
  readonly sharesPorts: boolean
  /** With the columns of `columnsFor`. */
  readonly ledger: Ledger
  /** Descriptor to which worker threads write their access log. */
  readonly logFd: number
  /** The access log where there are no workers. */
  readonly accessLog: (exchange: SettledExchange) => void
  /** Sockets of a predecessor that the threads listen on first; default none. */
  readonly given?: readonly ListenSocket[]
  /** Sockets that can be copied only; default none. */
  readonly lent?: LentSockets
  /** How long a thread that is replaced may take to finish its exchanges, in milliseconds. */
  readonly drainDeadlineMs: () => number
  /** For listeners with the standard engine, where there are no workers; default none. */
  readonly middlewares?: readonly ConnectMiddleware[]
  /** A worker whose event loop stands still for so long is replaced; default 10 s, in steps of 1 s. */
  readonly stuckMs?: number
  /** Memory of a worker's heap; default 2048 MiB. */
  readonly maxHeapMb?: number
  /** What memory is in use, for tests that need it short; only where there are no workers. */
  readonly memory?: () => MemoryReading
  /** Module of the worker threads, for tests that need one that fails. */
  readonly entry?: URL
}

/** Columns that a Ledger needs: one for each thread, and one more for the replacement of a thread that drains. */
export function columnsFor(workers: number, sharesPorts: boolean): number {
  return workers === 0 || !sharesPorts ? Math.max(workers, 1) : workers + 1
}

export function createDataPlane(options: DataPlaneOptions): DataPlane {
  return options.workers === 0 ? new InProcess(options) : new Supervisor(options)
}
