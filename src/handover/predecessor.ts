import { keepOutputNonBlocking } from '../util/inherited-output.ts'
import type { Bequest, PredecessorMessage, Readiness, SuccessorMessage } from './messages.ts'

const lookMs = 10

/** What of a process the talk with its predecessor needs. */
export interface ChannelToParent {
  send?: ((message: SuccessorMessage, onSent: () => void) => unknown) | undefined
  on(event: 'message', listener: (message: PredecessorMessage) => void): unknown
  on(event: 'disconnect', listener: () => void): unknown
  disconnect?: (() => void) | undefined
  readonly channel?: { unref(): void } | null | undefined
}

/** The process that serves and whose sockets this one was given. Until it says so, nothing may be accepted. */
export class Predecessor {
  readonly pid: number
  readonly #channel: ChannelToParent
  readonly #verdict = Promise.withResolvers<Bequest | null>()
  readonly #refusal = Promise.withResolvers<never>()
  #isConnected = true
  /** The verdict is there. */
  #isSettled = false

  constructor(pid: number, channel: ChannelToParent) {
    this.pid = pid
    this.#channel = channel
    // It may come before anybody waits for it.
    this.#verdict.promise.catch(() => {})
    this.#refusal.promise.catch(() => {})
    channel.on('message', (message) => {
      if (message.type === 'take-over') {
        const { secret, remainingMs, orders } = message
        this.#settle({ tickets: { secret: new Uint8Array(Buffer.from(secret, 'base64')), remainingMs }, orders })
      } else this.#refuse(`process ${pid} serves on and gives nothing up: ${message.reason}`)
    })
    channel.on('disconnect', () => {
      this.#isConnected = false
      this.#restoreOutput()
      // Gone without a word: it crashed, and nobody else has the sockets.
      this.#settle(null)
    })
  }

  /**
   * Says that this process could serve; resolves when it is to open the sockets.
   *
   * @returns what the predecessor leaves; null when it is dead
   * @throws Error when it refuses, or this process was told to end
   */
  permission({ missing, empty }: Readiness): Promise<Bequest | null> {
    this.#tell({ type: 'prepared', missing, empty })
    return this.#verdict.promise
  }

  /** This process accepts connections: the other one can go. */
  serving(): void {
    this.#tell({ type: 'serving' })
    // Not closed: its end says that the other one has ended.
    this.#channel.channel?.unref()
  }

  /** Rejects when the predecessor refuses, or this process was told to end; never resolves. */
  get refusal(): Promise<never> {
    return this.#refusal.promise
  }

  /** This process was told to end. It takes nothing over any more, unless it was given leave already. */
  decline(reason: string): void {
    this.#refuse(`${reason} before it took over from process ${this.pid}`)
  }

  /** This process ends. */
  leave(): void {
    if (this.#isConnected) this.#channel.disconnect?.()
    this.#isConnected = false
  }

  /** A Node that ends gives stdout and stderr the flags that it found, after it closed the channel: its child has another parent then. */
  #restoreOutput(): void {
    const look = setInterval(() => {
      if (process.ppid === this.pid) return
      clearInterval(look)
      keepOutputNonBlocking()
    }, lookMs).unref()
  }

  #settle(bequest: Bequest | null): void {
    this.#isSettled = true
    this.#verdict.resolve(bequest)
  }

  #refuse(reason: string): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const error = new Error(reason)
    this.#verdict.reject(error)
    this.#refusal.reject(error)
  }

  #tell(message: SuccessorMessage): void {
    // It may have died a moment ago, which `disconnect` is about to say: without a callback that error would end this process too.
    if (this.#isConnected) this.#channel.send?.(message, () => {})
  }
}
