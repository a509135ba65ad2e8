import { randomBytes } from 'node:crypto'
import type { Cancel, ControlClock } from './control-clock.ts'

/** How long tickets are taken that were made of one secret, at most: whoever learns it can read no more than was sent meanwhile. */
const lifeMs = 3_600_000
const secretBytes = 48

/**
 * The secret that the keys of session tickets (RFC 5077, RFC 8446 section 4.6.1) are made of: random, in memory only, replaced
 * every hour. Clients whose ticket is of an earlier one do a full handshake.
 */
export class TicketRotation {
  readonly #clock: ControlClock
  readonly #share: (secret: Uint8Array) => void
  #cancel: Cancel = () => {}

  /** @param share hands a secret to all data threads; called at once, then every hour */
  constructor(clock: ControlClock, share: (secret: Uint8Array) => void) {
    this.#clock = clock
    this.#share = share
    this.#replace()
  }

  close(): void {
    this.#cancel()
  }

  #replace(): void {
    this.#share(new Uint8Array(randomBytes(secretBytes)))
    this.#cancel = this.#clock.after(lifeMs, () => this.#replace())
  }
}
