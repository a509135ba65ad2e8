import type { Socket } from 'node:net'
import type { TunnelEnd } from '../exchange.ts'
import type { Output } from './output.ts'

/** A client's connection as one end of a tunnel. */
export class OutputEnd implements TunnelEnd {
  readonly #socket: Socket
  readonly #output: Output

  constructor(socket: Socket, output: Output) {
    this.#socket = socket
    this.#output = output
  }

  send(bytes: Buffer, start: number, end: number): boolean {
    this.#output.bytes(bytes, start, end)
    this.#output.flush()
    return !this.#output.isBlocked
  }

  sendEnd(): void {
    this.#output.end()
  }

  resumeReading(): void {
    this.#socket.resume()
  }
}
