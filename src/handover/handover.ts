import type { HandedSocket } from '../core/listen-socket.ts'
import { Successor, type SuccessorOptions } from './successor.ts'

/** A thread that starts is waited for so long: it may open sockets that belong to the set. */
const maxUnsteadyMs = 30_000
const lookMs = 20

export interface HandoverOptions extends Omit<SuccessorOptions, 'sockets' | 'deadlineMs'> {
  /** All that this process listens on; null while that changes. */
  readonly sockets: () => readonly HandedSocket[] | null
  readonly deadlineMs: () => number
  readonly onFailed: (reason: string) => void
}

/** Has a new process take the place of this one. Until that serves, nothing here changes; if it never does, nothing at all. */
export class Handover {
  readonly #options: HandoverOptions
  #successor: Successor | null = null
  #isUnderWay = false
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

  /** The sockets of this process are being handed over: threads are not to change. */
  get isUnderWay(): boolean {
    return this.#isUnderWay
  }

  /** @returns its process id; null when it did not come to that */
  async run(): Promise<number | null> {
    if (this.#isDone || this.#ended !== null) return null
    const { onStep, onFailed } = this.#options
    this.#isUnderWay = true
    try {
      const sockets = await this.#steadySockets()
      const successor = new Successor({ ...this.#options, sockets, deadlineMs: this.#options.deadlineMs() })
      this.#successor = successor
      if (!Number.isNaN(successor.pid)) onStep('started', successor.pid)
      await successor.serving
      this.#isDone = true
      return successor.pid
    } catch (error) {
      onFailed(`${error instanceof Error ? error.message : String(error)}; this process serves on`)
      return null
    } finally {
      this.#successor = null
      this.#isUnderWay = false
    }
  }

  /** The sockets that a successor was started with are no longer all there is: connections would wait where nobody accepts. */
  interrupt(reason: string): void {
    void this.#successor?.dismiss(reason)
  }

  /** This process ends by itself: no successor is wanted any more. Resolves when none has sockets that it does not accept from. */
  async end(reason: string): Promise<void> {
    this.#ended = reason
    await this.#successor?.shutDown(reason)
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
