import type { Socket } from 'node:net'
import { type TimerWheel, WheelTimer } from '../../util/timer-wheel.ts'

/** Notices that the other end takes none of the bytes that wait for it. */
export class WriteDeadline {
  readonly #socket: Socket
  readonly #wheel: TimerWheel
  readonly #timer: WheelTimer
  #timeoutMs = 0
  #taken = 0

  /** @param stalled called once when nothing moved for the time given to `watch` */
  constructor(socket: Socket, wheel: TimerWheel, stalled: () => void) {
    this.#socket = socket
    this.#wheel = wheel
    this.#timer = new WheelTimer(() => {
      if (socket.writableLength === 0) return
      if (this.#takenBytes() === this.#taken) stalled()
      else this.#arm()
    })
  }

  /** Bytes wait: some of them have to move every `timeoutMs`. Does nothing while it watches already. */
  watch(timeoutMs: number): void {
    if (this.#timer.armed) return
    this.#timeoutMs = timeoutMs
    this.#arm()
  }

  stop(): void {
    this.#wheel.disarm(this.#timer)
  }

  /** The connection is gone. */
  end(): void {
    this.#wheel.remove(this.#timer)
  }

  #arm(): void {
    this.#taken = this.#takenBytes()
    this.#wheel.arm(this.#timer, this.#timeoutMs)
  }

  /** The socket counts what it was given, waiting bytes included. */
  #takenBytes(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength
  }
}
