import type { Socket } from 'node:net'
import type { TunnelEnd, TunnelFlow } from '../exchange.ts'

/** A socket as one end of a tunnel. */
export class SocketEnd implements TunnelEnd {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  send(bytes: Buffer, start: number, end: number): TunnelFlow {
    this.#socket.write(bytes.subarray(start, end))
    return { kept: this.#socket.writableLength > 0, blocked: this.#socket.writableNeedDrain }
  }

  sendEnd(): void {
    this.#socket.end()
  }

  resumeReading(): void {
    this.#socket.resume()
  }
}
