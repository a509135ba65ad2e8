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
      const handle = this.#handle()
      if (handle === null || (handle.writeQueueSize === 0 && socket.writableLength === 0)) return
      if (handle.bytesWritten - handle.writeQueueSize === this.#taken) stalled()
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
    const handle = this.#handle()
    if (handle === null) return
    this.#taken = handle.bytesWritten - handle.writeQueueSize
    this.#wheel.arm(this.#timer, this.#timeoutMs)
  }

  #handle(): WritingHandle | null {
    return (this.#socket as unknown as { readonly _handle: WritingHandle | null })._handle
  }
}

/** The part of a socket that types leave out: what was written to the connection, and how much of it the system has not taken. */
interface WritingHandle {
  readonly bytesWritten: number
  readonly writeQueueSize: number
}
