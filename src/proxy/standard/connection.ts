import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Failure } from '../../core/failure.ts'
import { WheelTimer } from '../../util/timer-wheel.ts'
import type { ClientIdentity } from '../client-identity.ts'
import { halfClosedMs } from '../half-closed.ts'
import { linger } from '../h1/linger.ts'
import { WriteDeadline } from '../h1/write-deadline.ts'
import type { Listener, ListenerConnection } from '../listener.ts'
import { resetConnection } from '../reset-connection.ts'
import { StandardDownstream } from './downstream.ts'

/** Pipelined requests that wait for the one before them, until no more are read. */
const maxWaiting = 32

/** One client connection: node:http reads requests as they come; here they are taken one at a time, in order. */
export class StandardConnection implements ListenerConnection {
  listIndex = -1
  place = 0
  readonly listener: Listener
  readonly identity: ClientIdentity
  readonly socket: Socket
  readonly writing: WriteDeadline
  /** The answer under way is the last one. */
  closes = false
  #current: StandardDownstream | null = null
  readonly #waiting: StandardDownstream[] = []
  /** The client sent FIN. */
  #hasEnded = false
  readonly #halfClosed = new WheelTimer(() => {
    if (this.#current?.isAnswered === false) this.destroy()
  })
  #isEnding = false
  #isClosed = false
  /** `socket.bytesRead` when the last answer was done: more since then are part of a request. */
  #bytesAtRest = 0

  /** For the first head of a secured connection: node:http's own time begins with the end of the handshake. */
  readonly #firstHead: WheelTimer

  constructor(listener: Listener, socket: Socket, identity: ClientIdentity, firstHeadMs: number | null) {
    this.listener = listener
    this.socket = socket
    this.identity = identity
    this.writing = new WriteDeadline(socket, listener.context.wheel, () => this.destroy())
    this.#firstHead = new WheelTimer(() => this.broken('request-timeout'))
    if (firstHeadMs !== null) listener.context.wheel.arm(this.#firstHead, firstHeadMs)
    // node:http ends a connection with this; over bytes that were not read it would send a reset, which can eat the answer.
    // A client that sent FIN may have left something behind the answer: it is told that it is no request.
    socket.destroySoon = () => {
      if (this.#waiting.length === 0) this.end()
    }
    socket.on('drain', () => {
      this.writing.stop()
      this.#current?.drained()
    })
    socket.on('error', () => this.destroy())
    socket.on('end', () => {
      this.#hasEnded = true
      this.#watchHalfClosed()
    })
    socket.on('close', () => {
      if (this.#current?.outlivesClient !== true) this.destroy()
    })
  }

  get isBusy(): boolean {
    return this.#current?.isDropping === false || this.socket.writableLength > 0
  }

  get isIdle(): boolean {
    return this.#current === null && !this.isBusy && this.socket.bytesRead === this.#bytesAtRest
  }

  received(request: IncomingMessage, response: ServerResponse): void {
    this.#take(new StandardDownstream(this, request, response))
  }

  /** @param early bytes that came behind the request */
  receivedUpgrade(request: IncomingMessage, early: Buffer): void {
    const downstream = new StandardDownstream(this, request, new ServerResponse(request), early)
    this.#take(downstream)
  }

  /** What came is no request, or not in time. @param failure null when the socket broke, or ended in the middle */
  broken(failure: Failure | null): void {
    if (this.#isEnding) return
    if (failure === null) return this.#cutShort()
    const last = this.#waiting.at(-1) ?? this.#current
    if (last?.isWhole === false) return last.bodyBroken(failure)
    // Nobody began a request: no answer is waited for.
    if (failure === 'request-timeout' && this.socket.bytesRead === this.#bytesAtRest) return this.end()
    const request = new IncomingMessage(this.socket)
    request.httpVersionMajor = 1
    request.httpVersionMinor = 1
    this.#take(new StandardDownstream(this, request, new ServerResponse(request), null, failure))
  }

  /** The exchange under way is settled, its answer was handed to the system, and nothing of its request is to come. */
  answered(): void {
    this.#current = null
    if (this.socket.destroyed) return this.destroy()
    if (this.closes) return this.end()
    this.#bytesAtRest = this.socket.bytesRead
    const next = this.#waiting.shift()
    if (next !== undefined) this.#start(next)
    else if (this.#hasEnded) return this.end()
    if (this.#waiting.length < maxWaiting && this.socket.isPaused()) this.socket.resume()
  }

  /** Half-closes behind what was sent, and takes no further request. */
  end(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#waiting.length = 0
    this.listener.context.wheel.disarm(this.#halfClosed)
    linger(this.socket, this.listener.context.wheel)
  }

  closeAfterAnswer(): void {
    this.closes = true
  }

  destroy(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isEnding = true
    this.#waiting.length = 0
    this.writing.end()
    this.listener.context.wheel.remove(this.#halfClosed)
    this.listener.context.wheel.remove(this.#firstHead)
    // Whatever is left unsent must not look complete, as a body that ends with the connection would.
    if (!this.isBusy) this.socket.destroy()
    else if (!this.socket.destroyed) resetConnection(this.socket)
    this.#current?.clientLeft()
    this.#current = null
    this.listener.forget(this)
  }

  /** Whole requests in front of the one that is not are answered; a socket that broke says `close` as well. */
  #cutShort(): void {
    this.#hasEnded = true
    if (this.#current === null || this.#current.isHalf) this.destroy()
    else if (this.#current.isDropping) this.#current.restEnded(false)
  }

  #take(downstream: StandardDownstream): void {
    this.listener.context.wheel.remove(this.#firstHead)
    if (this.#isEnding) return
    if (this.#current === null) return this.#start(downstream)
    this.#waiting.push(downstream)
    if (this.#waiting.length >= maxWaiting) this.socket.pause()
  }

  #start(downstream: StandardDownstream): void {
    this.#current = downstream
    if (this.#hasEnded) this.#watchHalfClosed()
    downstream.start()
    if (this.#hasEnded && downstream.isHalf) this.destroy()
  }

  #watchHalfClosed(): void {
    if (this.#current !== null) this.listener.context.wheel.arm(this.#halfClosed, halfClosedMs)
  }
}
