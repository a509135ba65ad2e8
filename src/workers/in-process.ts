import { MessageChannel } from 'node:worker_threads'
import type { ControlMessage, ThreadMessage } from '../core/message.ts'
import type { DataPlane, DataPlaneOptions } from './data-plane.ts'
import { DataThread } from './data-thread.ts'

const onlyId = 0

/**
 * The data plane in the main thread (`workers: 0`): the same code as in a worker, behind a channel that copies and orders
 * messages as the crossing to a thread does.
 */
export class InProcess implements DataPlane {
  readonly #channel = new MessageChannel()
  readonly #thread: DataThread
  readonly #options: DataPlaneOptions

  constructor(options: DataPlaneOptions) {
    const { port1, port2 } = this.#channel
    this.#options = options
    this.#thread = new DataThread({
      column: 0,
      threads: 1,
      ledger: options.ledger.shape(),
      send: (message) => port2.postMessage(message),
      accessLog: () => options.accessLog,
      middlewares: options.middlewares ?? [],
    })
    port1.on('message', (message: ThreadMessage) => options.onMessage(onlyId, message))
    port2.on('message', (message: ControlMessage) => this.#thread.receive(message))
  }

  get running(): number {
    return 1
  }

  start(): void {
    this.#options.onStarted(onlyId, (message) => this.send(message))
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
