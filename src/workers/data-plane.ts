import type { SettledExchange } from '../core/exchange.ts'
import type { Ledger } from '../core/ledger.ts'
import type { ConnectMiddleware } from '../core/middleware.ts'
import type { ControlMessage, ThreadMessage } from '../core/message.ts'
import { InProcess } from './in-process.ts'
import { Supervisor } from './supervise.ts'

/** The data threads as the control plane sees them: it tells them things and hears from them, wherever they run. */
export interface DataPlane {
  start(): void
  /** To every thread that runs. */
  send(message: ControlMessage): void
  stop(): Promise<void>
  /** Threads that run now. */
  readonly running: number
}

export interface DataPlaneEvents {
  /** A thread takes messages and knows nothing yet. @param id unique, never used again */
  readonly onStarted: (id: number, send: (message: ControlMessage) => void) => void
  readonly onMessage: (id: number, message: ThreadMessage) => void
  /** A thread is gone and what it had in flight is taken back; a new one is on its way. */
  readonly onLost: (id: number, cause: string) => void
}

export interface DataPlaneOptions extends DataPlaneEvents {
  /** 0 = in the main thread. */
  readonly workers: number
  /** With a column for each worker. */
  readonly ledger: Ledger
  /** Descriptor to which worker threads write their access log. */
  readonly logFd: number
  /** The access log where there are no workers. */
  readonly accessLog: (exchange: SettledExchange) => void
  /** For listeners with the standard engine, where there are no workers; default none. */
  readonly middlewares?: readonly ConnectMiddleware[]
  /** A worker whose event loop stands still for so long is replaced; default 10 s, in steps of 1 s. */
  readonly stuckMs?: number
  /** Module of the worker threads, for tests that need one that fails. */
  readonly entry?: URL
}

export function createDataPlane(options: DataPlaneOptions): DataPlane {
  return options.workers === 0 ? new InProcess(options) : new Supervisor(options)
}
