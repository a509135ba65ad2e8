import { Worker } from 'node:worker_threads'
import type { ListenSocket } from '../core/listen-socket.ts'
import type { ControlMessage, ThreadMessage } from '../core/message.ts'
import type { WorkerCell } from '../core/worker-cell.ts'
import { Outbox } from './outbox.ts'
import { Pulse } from './pulse.ts'
import type { ThreadParameters } from './thread.ts'
import type { ThreadSockets } from './thread-sockets.ts'

/**
 * `starting` until its first configuration is in force; `draining` from when that was asked for, also while it still serves until
 * its replacement does.
 */
export type ThreadState = 'starting' | 'serving' | 'draining'

/** V8 would let young objects have 192 MiB once many survive, as lists of many services do; with less, a request costs the same. */
const maxYoungGenerationSizeMb = 48

export interface WorkerThreadOptions {
  /** Unique, never used again. */
  readonly id: number
  readonly parameters: ThreadParameters
  readonly entry: URL
  readonly maxHeapMb: number
  readonly cell: WorkerCell
  readonly sockets: ThreadSockets
  readonly onMessage: (thread: WorkerThread, message: ThreadMessage) => void
  /** It is gone: it writes nothing any more. */
  readonly onExit: (thread: WorkerThread) => void
}

/** One data thread in a worker, as the main thread sees it. */
export class WorkerThread {
  readonly id: number
  readonly column: number
  readonly startedAt = performance.now()
  readonly pulse: Pulse
  /** Why it ended, or will end. */
  cause = 'it ended'
  /** Somebody asked that it be replaced. */
  isAsked = false
  /** That is how it ended. */
  wasAsked = false
  /** True when it takes messages. */
  isUp = false
  /** It was told to drain. */
  isLeaving = false
  /** What it listens on, by its last configuration. */
  listening: readonly ListenSocket[] = []
  readonly #sockets: ThreadSockets
  readonly #worker: Worker
  readonly #outbox = new Outbox<ControlMessage>((messages) => this.#worker.postMessage(messages))
  #state: ThreadState = 'starting'
  #sinceMs = Date.now()
  #isEnding = false

  constructor({ id, parameters, entry, maxHeapMb, cell, sockets, onMessage, onExit }: WorkerThreadOptions) {
    this.id = id
    this.column = parameters.column
    this.#sockets = sockets
    this.#worker = new Worker(entry, {
      name: `tidegate-${this.column}`,
      workerData: parameters,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb, maxYoungGenerationSizeMb },
    })
    this.pulse = new Pulse(cell, (...readings) => this.#worker.performance.eventLoopUtilization(...readings))
    this.#worker.on('message', (messages: readonly ThreadMessage[]) => {
      for (const message of messages) onMessage(this, message)
    })
    this.#worker.on('error', (error) => {
      this.cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
    })
    this.#worker.on('exit', () => onExit(this))
  }

  get state(): ThreadState {
    return this.#state
  }

  /** When it came into its state, in milliseconds since the Unix epoch. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  enter(state: ThreadState): void {
    this.#state = state
    this.#sinceMs = Date.now()
  }

  send(message: ControlMessage): void {
    this.#sockets.pass(message, (passed) => this.#outbox.put(passed))
  }

  /** Terminates it, wherever it stands; `onExit` follows. Once is enough. */
  end(cause: string, wasAsked = false): void {
    if (this.#isEnding) return
    this.cause = cause
    this.wasAsked = wasAsked
    void this.terminate()
  }

  async terminate(): Promise<void> {
    this.#isEnding = true
    await this.#worker.terminate()
  }
}
