import { MessageChannel } from 'node:worker_threads'
import type { ListenSocket } from '../core/listen-socket.ts'
import type { ControlMessage, ThreadMessage } from '../core/message.ts'
import type { DataPlane, DataPlaneOptions, DrainAnswer, RunningThread } from './data-plane.ts'
import { DataThread } from './data-thread.ts'
import { LentSockets } from './lent-sockets.ts'
import { Outbox } from './outbox.ts'
import { lookMs, Pulse } from './pulse.ts'
import { ThreadSockets } from './thread-sockets.ts'
import { type ThreadView, viewThread } from './thread-view.ts'
import type { ThreadState } from './worker-thread.ts'

const onlyId = 0
const onlyColumn = 0

/**
 * The data plane in the main thread (`workers: 0`): the same code as in a worker, behind a channel that copies and orders
 * messages as the crossing to a thread does.
 */
export class InProcess implements DataPlane {
  readonly #channel = new MessageChannel()
  readonly #outbox = new Outbox<ControlMessage>((messages) => this.#channel.port1.postMessage(messages))
  readonly #thread: DataThread
  readonly #options: DataPlaneOptions
  readonly #pulse: Pulse
  readonly #drained = Promise.withResolvers<number>()
  readonly #sockets: ThreadSockets
  #listening: readonly ListenSocket[] = []
  #looking: NodeJS.Timeout | null = null
  #state: ThreadState = 'starting'
  #sinceMs = Date.now()

  constructor(options: DataPlaneOptions) {
    const { port1, port2 } = this.#channel
    const answers = new Outbox<ThreadMessage>((messages) => port2.postMessage(messages))
    this.#options = options
    this.#sockets = new ThreadSockets(options.lent ?? new LentSockets([], 0), options.given ?? [])
    this.#thread = new DataThread({
      column: onlyColumn,
      sharesPorts: false,
      ledger: options.ledger.shape(),
      send: (message) => answers.put(message),
      accessLog: () => options.accessLog,
      middlewares: options.middlewares ?? [],
      ...(options.memory !== undefined && { memory: options.memory }),
    })
    this.#pulse = new Pulse(options.ledger.worker(onlyColumn), (...readings) =>
      performance.eventLoopUtilization(...readings),
    )
    port1.on('message', (messages: readonly ThreadMessage[]) => {
      for (const message of messages) this.#received(message)
    })
    port2.on('message', (messages: readonly ControlMessage[]) => {
      for (const message of messages) this.#thread.receive(message)
    })
  }

  running(): readonly RunningThread[] {
    return [{ column: onlyColumn, utilization: this.#pulse.utilization }]
  }

  start(): void {
    this.#looking = setInterval(() => this.#pulse.look(), lookMs).unref()
    this.#options.onStarted(onlyId, (message) => this.send(message))
  }

  send(message: ControlMessage): void {
    this.#sockets.pass(message, (passed) => this.#outbox.put(passed))
  }

  listening(): readonly ListenSocket[] | null {
    return this.#state === 'starting' ? null : this.#listening
  }

  drain(column: number): DrainAnswer {
    if (column !== onlyColumn)
      return { drains: false, reason: 'unknown', detail: `No data thread is in column ${column}` }
    const detail = 'With `workers: 0` the main thread serves, and nothing can replace it; restart the gateway'
    return { drains: false, reason: 'busy', detail }
  }

  drainAll(deadlineMs: number): Promise<number> {
    this.#enter('draining')
    this.send({ type: 'drain', deadlineMs })
    return this.#drained.promise
  }

  threads(): readonly ThreadView[] {
    const thread = {
      column: onlyColumn,
      id: onlyId,
      state: this.#state,
      sinceMs: this.#sinceMs,
      pulse: this.#pulse,
    }
    return [viewThread(thread, this.#options.ledger, 0)]
  }

  stop(): Promise<void> {
    if (this.#looking !== null) clearInterval(this.#looking)
    this.#thread.stop()
    this.#channel.port1.close()
    this.#drained.resolve(0)
    return Promise.resolve()
  }

  #received(message: ThreadMessage): void {
    if (message.type === 'config-applied' && this.#state === 'starting') this.#enter('serving')
    if (message.type === 'config-applied') this.#listening = message.sockets
    if (message.type === 'drained') this.#drained.resolve(message.cut)
    this.#options.onMessage(onlyId, message)
  }

  #enter(state: ThreadState): void {
    this.#state = state
    this.#sinceMs = Date.now()
  }
}
