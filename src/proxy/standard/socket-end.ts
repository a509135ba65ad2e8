import type { Socket } from 'node:net'
import type { TunnelEnd } from '../exchange.ts'

/** A socket as one end of a tunnel; what is sent stays as it is until it was sent. */
export class SocketEnd implements TunnelEnd {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  send(bytes: Buffer, start: number, end: number): boolean {
    return this.#socket.write(bytes.subarray(start, end))
  }

  sendEnd(): void {
    this.#socket.end()
  }

  resumeReading(): void {
    this.#socket.resume()
  }
}
