import { randomBytes } from 'node:crypto'
import type { Cancel, ControlClock } from './control-clock.ts'

/** How long tickets are taken that were made of one secret, at most: whoever learns it can read no more than was sent meanwhile. */
const lifeMs = 3_600_000
const secretBytes = 48

export interface TicketSecret {
  readonly secret: Uint8Array
  /** Until it is replaced. */
  readonly remainingMs: number
}

/**
 * The secret that the keys of session tickets (RFC 5077, RFC 8446 section 4.6.1) are made of: random, in memory only, replaced
 * every hour. Clients whose ticket is of an earlier one do a full handshake.
 */
export class TicketRotation {
  readonly #clock: ControlClock
  readonly #share: (secret: Uint8Array) => void
  #cancel: Cancel = () => {}
  #secret: Uint8Array = new Uint8Array()
  #untilMs = 0

  /** @param share hands a secret to all data threads; called at once, then every hour */
  constructor(clock: ControlClock, share: (secret: Uint8Array) => void) {
    this.#clock = clock
    this.#share = share
    this.#replace()
  }

  /** The secret in force, for the process that takes this one's place. */
  current(): TicketSecret {
    return { secret: this.#secret, remainingMs: Math.max(0, this.#untilMs - this.#clock.now()) }
  }

  /** Goes on with the secret of the process whose place this one takes, for the time that was left to it. */
  adopt({ secret, remainingMs }: TicketSecret): void {
    this.#cancel()
    this.#use(secret, remainingMs)
  }

  close(): void {
    this.#cancel()
  }

  #replace(): void {
    this.#use(new Uint8Array(randomBytes(secretBytes)), lifeMs)
  }

  #use(secret: Uint8Array, remainingMs: number): void {
    this.#secret = secret
    this.#untilMs = this.#clock.now() + remainingMs
    this.#share(secret)
    this.#cancel = this.#clock.after(remainingMs, () => this.#replace())
  }
}
