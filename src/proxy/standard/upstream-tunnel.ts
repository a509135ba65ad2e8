import type { Socket } from 'node:net'
import { WheelTimer } from '../../util/timer-wheel.ts'
import type { Exchange, TunnelEnd } from '../exchange.ts'
import type { ResponseHead } from '../h1/response-head.ts'

/** The endpoint's end of a tunnel. FIN is passed on; a close, or silence for too long, ends the tunnel. */
export class UpstreamTunnel implements TunnelEnd {
  readonly #x: Exchange
  readonly #socket: Socket
  readonly #idleMs: number
  readonly #timer: WheelTimer
  readonly #ended: () => void
  #client: TunnelEnd | null = null

  /** @param ended called once, when the exchange is over */
  constructor(x: Exchange, socket: Socket, idleMs: number, ended: () => void) {
    this.#x = x
    this.#socket = socket
    this.#idleMs = idleMs
    this.#ended = ended
    this.#timer = new WheelTimer(() => this.#end())
  }

  /** @param early bytes that came behind the 101 */
  start(head: ResponseHead, early: Buffer): void {
    const socket = this.#socket
    // The agent has a timeout for idle connections, which this one is no more.
    socket.setTimeout(0)
    // node:http ends a socket whose other side has; here either direction may end first.
    socket.allowHalfOpen = true
    this.#arm()
    this.#client = this.#x.downstream.startTunnel(head, this)
    socket.on('data', (bytes: Buffer) => this.#received(bytes))
    socket.on('drain', () => this.#client?.resumeReading())
    socket.on('end', () => this.#client?.sendEnd())
    socket.on('close', () => this.#end())
    if (early.length > 0) this.#received(early)
  }

  send(bytes: Buffer, start: number, end: number): boolean {
    this.#arm()
    return this.#socket.write(bytes.subarray(start, end))
  }

  sendEnd(): void {
    this.#socket.end()
  }

  resumeReading(): void {
    this.#socket.resume()
  }

  destroy(): void {
    this.#client = null
    this.#x.context.wheel.disarm(this.#timer)
    this.#socket.destroy()
  }

  #received(bytes: Buffer): void {
    if (this.#client === null) return
    this.#arm()
    this.#x.responseBytes += bytes.length
    if (!this.#client.send(bytes, 0, bytes.length)) this.#socket.pause()
  }

  #end(): void {
    if (this.#client === null) return
    this.destroy()
    this.#ended()
  }

  #arm(): void {
    this.#x.context.wheel.arm(this.#timer, this.#idleMs)
  }
}
