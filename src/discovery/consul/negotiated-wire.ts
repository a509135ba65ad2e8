import { DiscoveryError } from '../contract.ts'
import type { Room } from './client.ts'
import type { MultiplexedWire } from './multiplexed/wire.ts'
import type { ConsulLimits } from './options.ts'
import type { Answered, Call, Question, Wire } from './wire.ts'

/** Many queries over one connection where the agent takes them, else HTTP/1.1; an agent that has come back may take something else than before. */
export class NegotiatedWire implements Wire {
  readonly #plain: Wire
  readonly #multiplexed: MultiplexedWire
  readonly #limits: ConsulLimits
  readonly #onRoom: () => void
  /** Null = not known. */
  #isMultiplexed: boolean | null = null
  /** The agent has failed over HTTP/1.1, so that its successor may be meant from here on. */
  #isDoubted = false
  /** As was told last. */
  #most: number | null = null

  constructor(
    plain: Wire,
    createMultiplexed: (onConnected: (isMultiplexed: boolean) => void) => MultiplexedWire,
    { limits, onRoom }: { readonly limits: ConsulLimits; readonly onRoom: () => void },
  ) {
    this.#plain = plain
    this.#limits = limits
    this.#onRoom = onRoom
    this.#multiplexed = createMultiplexed((isMultiplexed) => this.#found(isMultiplexed))
  }

  /** Null = not known. */
  get room(): Room | null {
    if (this.#isMultiplexed === null || this.#isDoubted) return null
    return this.#isMultiplexed ? this.#multiplexed.room : this.#limits
  }

  async prepare(): Promise<void> {
    if (this.room !== null) return
    try {
      await this.#multiplexed.connect()
    } catch (error) {
      // Those who are served over HTTP/1.1 go on there.
      if (this.#isMultiplexed === null) throw error
      this.#isDoubted = false
    }
  }

  ask<Taken>(question: Question, call: Call, take: (answer: Answered) => Taken): Promise<Taken> {
    return this.#isMultiplexed === true
      ? this.#multiplexed.ask(question, call, take)
      : this.#askSomehow(question, call, take)
  }

  close(): void {
    this.#multiplexed.close()
    this.#plain.close()
  }

  async #askSomehow<Taken>(question: Question, call: Call, take: (answer: Answered) => Taken): Promise<Taken> {
    if (this.#isMultiplexed === null) await this.prepare()
    if (this.#isMultiplexed === true) return this.#multiplexed.ask(question, call, take)
    try {
      return await this.#plain.ask(question, call, take)
    } catch (error) {
      if (!call.signal.aborted && error instanceof DiscoveryError && error.code === 'unreachable')
        this.#isDoubted = true
      throw error
    }
  }

  #found(isMultiplexed: boolean): void {
    this.#isMultiplexed = isMultiplexed
    this.#isDoubted = false
    const most = this.room?.sharedAbove ?? 0
    if (most === this.#most) return
    this.#most = most
    this.#onRoom()
  }
}
