import { MessageChannel } from 'node:worker_threads'
import type { SettledExchange } from '../core/exchange.ts'
import type { Ledger } from '../core/ledger.ts'
import type { ControlMessage, ThreadMessage } from '../core/message.ts'
import { DataThread } from './data-thread.ts'

/** What a gateway needs of its data plane, in threads or not. */
export interface DataPlane {
  start(): void
  send(message: ControlMessage): void
  stop(): Promise<void>
  readonly running: number
}

/**
 * The data plane in the main thread (`workers: 0`): the same code as in a worker, behind a channel that copies and orders
 * messages as the crossing to a thread does.
 */
export class InProcess implements DataPlane {
  readonly #channel = new MessageChannel()
  readonly #thread: DataThread
  readonly #onStarted: (send: (message: ControlMessage) => void) => void

  constructor(options: {
    ledger: Ledger
    accessLog: (exchange: SettledExchange) => void
    onStarted: (send: (message: ControlMessage) => void) => void
    onMessage: (message: ThreadMessage) => void
  }) {
    const { port1, port2 } = this.#channel
    this.#onStarted = options.onStarted
    this.#thread = new DataThread({
      column: 0,
      threads: 1,
      ledger: options.ledger.shape(),
      send: (message) => port2.postMessage(message),
      accessLog: options.accessLog,
    })
    port1.on('message', (message: ThreadMessage) => options.onMessage(message))
    port2.on('message', (message: ControlMessage) => this.#thread.receive(message))
  }

  get running(): number {
    return 1
  }

  start(): void {
    this.#onStarted((message) => this.send(message))
  }

  send(message: ControlMessage): void {
    this.#channel.port1.postMessage(message)
  }

  stop(): Promise<void> {
    this.#thread.stop()
    this.#channel.port1.close()
    return Promise.resolve()
  }
}
