import { DiscoveryError } from '../contract.ts'
import type { Room } from './client.ts'
import type { H2Wire } from './h2/wire.ts'
import type { ConsulLimits } from './options.ts'
import type { Answered, Call, Question, Wire } from './wire.ts'

/** As ALPN says. */
export type Protocol = 'h2' | 'http/1.1'

/** HTTP/2 where the agent offers it, else HTTP/1.1; an agent that has come back may offer something else than before. */
export class NegotiatedWire implements Wire {
  readonly #plain: Wire
  readonly #h2: H2Wire
  readonly #limits: ConsulLimits
  readonly #onRoom: () => void
  #protocol: Protocol | null = null
  /** The agent has failed over HTTP/1.1, so that its successor may be meant from here on. */
  #isDoubted = false
  /** As was told last. */
  #most: number | null = null

  constructor(
    plain: Wire,
    createH2: (onProtocol: (protocol: Protocol) => void) => H2Wire,
    { limits, onRoom }: { readonly limits: ConsulLimits; readonly onRoom: () => void },
  ) {
    this.#plain = plain
    this.#limits = limits
    this.#onRoom = onRoom
    this.#h2 = createH2((protocol) => this.#found(protocol))
  }

  /** Null = not known. */
  get room(): Room | null {
    if (this.#protocol === null || this.#isDoubted) return null
    return this.#protocol === 'h2' ? this.#h2.room : this.#limits
  }

  async prepare(): Promise<void> {
    if (this.room !== null) return
    try {
      await this.#h2.connect()
    } catch (error) {
      // Those who are served over HTTP/1.1 go on there.
      if (this.#protocol === null) throw error
      this.#isDoubted = false
    }
  }

  ask<Taken>(question: Question, call: Call, take: (answer: Answered) => Taken): Promise<Taken> {
    return this.#protocol === 'h2' ? this.#h2.ask(question, call, take) : this.#askSomehow(question, call, take)
  }

  close(): void {
    this.#h2.close()
    this.#plain.close()
  }

  async #askSomehow<Taken>(question: Question, call: Call, take: (answer: Answered) => Taken): Promise<Taken> {
    if (this.#protocol === null) await this.prepare()
    if (this.#protocol === 'h2') return this.#h2.ask(question, call, take)
    try {
      return await this.#plain.ask(question, call, take)
    } catch (error) {
      if (!call.signal.aborted && error instanceof DiscoveryError && error.code === 'unreachable')
        this.#isDoubted = true
      throw error
    }
  }

  #found(protocol: Protocol): void {
    this.#protocol = protocol
    this.#isDoubted = false
    const most = this.room?.sharedAbove ?? 0
    if (most === this.#most) return
    this.#most = most
    this.#onRoom()
  }
}
