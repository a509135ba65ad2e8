import type { PredecessorMessage, SuccessorMessage, TicketBequest } from './messages.ts'

/** What of a process the talk with its predecessor needs. */
export interface ChannelToParent {
  send?: ((message: SuccessorMessage) => unknown) | undefined
  on(event: 'message', listener: (message: PredecessorMessage) => void): unknown
  on(event: 'disconnect', listener: () => void): unknown
  disconnect?: (() => void) | undefined
}

/** The process that serves and whose sockets this one was given. Until it says so, nothing may be accepted. */
export class Predecessor {
  readonly pid: number
  readonly #channel: ChannelToParent
  readonly #verdict = Promise.withResolvers<TicketBequest | null>()
  #isConnected = true

  constructor(pid: number, channel: ChannelToParent) {
    this.pid = pid
    this.#channel = channel
    // It may come before anybody waits for it.
    this.#verdict.promise.catch(() => {})
    channel.on('message', (message) => {
      if (message.type === 'take-over') {
        const { secret, remainingMs } = message
        this.#verdict.resolve({ secret: new Uint8Array(Buffer.from(secret, 'base64')), remainingMs })
      } else this.#verdict.reject(new Error(`process ${pid} serves on and gives nothing up: ${message.reason}`))
    })
    channel.on('disconnect', () => {
      this.#isConnected = false
      // Gone without a word: it crashed, and nobody else has the sockets.
      this.#verdict.resolve(null)
    })
  }

  /**
   * Says that this process could serve; resolves when it is to open the sockets.
   *
   * @returns what the predecessor leaves; null when it is dead
   * @throws Error when it refuses
   */
  permission(missing: readonly string[]): Promise<TicketBequest | null> {
    this.#tell({ type: 'prepared', missing })
    return this.#verdict.promise
  }

  /** This process accepts connections: the other one can go. */
  serving(): void {
    this.#tell({ type: 'serving' })
    this.leave()
  }

  /** The channel keeps this process alive no more. */
  leave(): void {
    if (this.#isConnected) this.#channel.disconnect?.()
    this.#isConnected = false
  }

  #tell(message: SuccessorMessage): void {
    if (this.#isConnected) this.#channel.send?.(message)
  }
}
