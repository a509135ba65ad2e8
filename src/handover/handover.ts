import type { HandedSocket } from '../core/listen-socket.ts'
import { startSuccessor, type Successor, type SuccessorOptions } from './successor.ts'

/** A thread that starts is waited for so long: it may open sockets that belong to the set. */
const maxUnsteadyMs = 30_000
const lookMs = 20

export interface HandoverOptions extends Omit<SuccessorOptions, 'sockets' | 'deadlineMs'> {
  /** All that this process listens on; null while that changes. */
  readonly sockets: () => readonly HandedSocket[] | null
  readonly deadlineMs: () => number
  readonly onStarted: (pid: number) => void
  readonly onFailed: (reason: string) => void
}

/** Has a new process take the place of this one. Until that serves, nothing here changes; if it never does, nothing at all. */
export class Handover {
  readonly #options: HandoverOptions
  #successor: Successor | null = null
  #isDone = false
  /** Why no successor is wanted any more. */
  #ended: string | null = null

  constructor(options: HandoverOptions) {
    this.#options = options
  }

  /** A successor serves. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** @returns its process id; null when it did not come to that */
  async run(): Promise<number | null> {
    if (this.#isDone || this.#ended !== null) return null
    const { onStarted, onFailed } = this.#options
    try {
      const sockets = await this.#steadySockets()
      const successor = startSuccessor({ ...this.#options, sockets, deadlineMs: this.#options.deadlineMs() })
      this.#successor = successor
      if (!Number.isNaN(successor.pid)) onStarted(successor.pid)
      await successor.serving
      this.#isDone = true
      return successor.pid
    } catch (error) {
      onFailed(`${error instanceof Error ? error.message : String(error)}; this process serves on`)
      return null
    } finally {
      this.#successor = null
    }
  }

  /** This process ends by itself: no successor is wanted any more. */
  end(reason: string): void {
    this.#ended = reason
    this.#successor?.abandon(reason)
  }

  async #steadySockets(): Promise<readonly HandedSocket[]> {
    // As process 1 of a container it takes the successor along when it ends.
    if (process.pid === 1) throw new Error('process 1 of a container can have no successor; replace the container')
    for (let waitedMs = 0; waitedMs < maxUnsteadyMs; waitedMs += lookMs) {
      if (this.#ended !== null) throw new Error(this.#ended)
      const sockets = this.#options.sockets()
      if (sockets !== null) return sockets
      await new Promise((resolve) => setTimeout(resolve, lookMs))
    }
    throw new Error(`data threads were still starting after ${maxUnsteadyMs} ms`)
  }
}
