import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { WheelTimer } from '../../util/timer-wheel.ts'
import type { ClientIdentity } from '../client-identity.ts'
import type { Listener, ListenerConnection } from '../listener.ts'
import { serverNameOf } from './client-hello.ts'

/**
 * A client's connection from when it was accepted until its TLS handshake is done. It holds the connection's place in the
 * listener's limits; nothing a client does in it is more than the end of its own connection.
 */
export class Handshake implements ListenerConnection {
  listIndex = -1
  place = 0
  readonly identity: ClientIdentity
  readonly isBusy = false
  readonly isIdle = true
  readonly #listener: Listener
  readonly #accepted: Socket
  readonly #timer: WheelTimer
  readonly #startedMs = performance.now()
  #isDone = false

  constructor(listener: Listener, accepted: Socket, identity: ClientIdentity) {
    this.identity = identity
    this.#listener = listener
    this.#accepted = accepted
    this.#timer = new WheelTimer(() => this.destroy())
    // Who ends in the middle of a handshake waits for no answer.
    accepted.allowHalfOpen = false
    accepted.on('error', () => accepted.destroy())
    accepted.on('close', () => this.#closed())
    listener.context.wheel.arm(this.#timer, listener.settings.timeouts.headMs)
  }

  /** The listener sees to what comes after the handshake, if anything does. */
  closeAfterAnswer(): void {}

  destroy(): void {
    this.#accepted.destroy()
  }

  /**
   * Reads as far as the name of the host that the client asks for, and puts what was read back.
   *
   * @param then called once, with an empty name where there is none; not when the connection ends before. When it throws, the
   * connection ends
   */
  readServerName(then: (name: string) => void): void {
    const accepted = this.#accepted
    let bytes: Buffer = Buffer.alloc(0)
    const look = (): void => {
      const more = accepted.read() as Buffer | null
      if (more === null) return
      bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more])
      const name = serverNameOf(bytes)
      if (name === null) return
      accepted.off('readable', look)
      accepted.unshift(bytes)
      try {
        then(name)
      } catch {
        this.destroy()
      }
    }
    accepted.on('readable', look)
  }

  /** Plain text, for a client that does not speak TLS; sent as far as the system takes it at once. */
  sendPlain(text: string): void {
    if (!this.#accepted.destroyed) this.#accepted.write(text, 'latin1')
  }

  /** The handshake is done: HTTP is spoken on `secured` from now on. */
  done(secured: TLSSocket, identity: ClientIdentity): void {
    // The listener knows nothing of it any more.
    if (this.#isDone) return void secured.destroy()
    const { context, settings, name } = this.#listener
    this.#isDone = true
    secured.allowHalfOpen = true
    context.wheel.remove(this.#timer)
    context.meter.handshake(name, secured.isSessionReused() ? 'resumed' : 'full')
    // A TLS connection has no reset of its own: whoever has to cut an answer visibly resets what is below.
    secured.resetAndDestroy = () => {
      this.#accepted.resetAndDestroy()
      return secured.destroy()
    }
    const leftMs = Math.max(1, settings.timeouts.headMs - (performance.now() - this.#startedMs))
    this.#listener.secured(this, secured, identity, leftMs)
  }

  #closed(): void {
    this.#accepted.removeAllListeners()
    if (this.#isDone) return
    this.#isDone = true
    const { context, name } = this.#listener
    context.wheel.remove(this.#timer)
    // Who only tries whether the port is open has begun no handshake.
    if (this.#accepted.bytesRead > 0) context.meter.handshake(name, 'failed')
    this.#listener.forget(this)
  }
}
