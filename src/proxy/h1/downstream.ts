import type { Socket } from 'node:net'
import { failures, type Failure } from '../../core/failure.ts'
import { WheelTimer } from '../../util/timer-wheel.ts'
import { isBodyWanted } from '../body-wanted.ts'
import type { ClientIdentity } from '../client-identity.ts'
import { type BodyFraming, type Downstream, Exchange, type TunnelEnd } from '../exchange.ts'
import { attempt, handle, totalTimeout } from '../handle.ts'
import type { Listener, ListenerConnection } from '../listener.ts'
import { requestBody, requestBodyEnd } from '../request-body.ts'
import { fail } from '../settle.ts'
import { ChunkedDecoder, type ChunkSink, chunkSizeLine } from './chunked.ts'
import { takeOver } from './client-socket.ts'
import { HeadReader } from './head-reader.ts'
import { linger } from './linger.ts'
import { Output } from './output.ts'
import { parseRequestHead, RequestHead } from './request-head.ts'
import type { ResponseHead } from './response-head.ts'
import { interimText, problemText, responseHeadText, switchingText } from './response-writer.ts'
import { SocketEnd } from './socket-end.ts'
import { WaitingBytes } from './waiting-bytes.ts'
import { WriteDeadline } from './write-deadline.ts'

/**
 * Where a connection stands: `head` between requests and in a head; `body` while a request body comes in; `answer` when
 * the request is complete and its answer is not; `linger` after the last answer.
 */
const phase = { head: 0, body: 1, answer: 2, tunnel: 3, linger: 4, closed: 5 } as const

/** One client connection: requests in, one at a time, in order; answers out. */
export class DownstreamConnection implements Downstream, ListenerConnection, ChunkSink {
  readonly identity: ClientIdentity
  readonly #listener: Listener
  readonly #socket: Socket
  readonly #output: Output
  /** For what the client has to send; `#writing` for what it has to take. */
  readonly #timer: WheelTimer
  readonly #writing: WriteDeadline
  readonly #reader = new HeadReader()
  readonly #head = new RequestHead()
  readonly #decoder = new ChunkedDecoder()
  readonly #waiting = new WaitingBytes()
  readonly #x: Exchange
  #tunnel: TunnelEnd | null = null
  #phase: number = phase.head
  #isConsuming = false
  /** Body bytes still to come, of a request with Content-Length. */
  #remaining = 0
  /** Our answer is the last one on this connection. */
  #closes = false
  #hasEnded = false
  #discard: ((bytes: number) => void) | null = null
  #isHeadTimed: boolean
  /** The response goes out chunked, since its length is not known. */
  #isChunked = false

  /** @param accepted paused, nothing read @param firstHeadMs what a TLS handshake left of the time for it; null: all of it */
  constructor(listener: Listener, accepted: Socket, identity: ClientIdentity, firstHeadMs: number | null) {
    const { context } = listener
    const socket = takeOver(accepted, context.readBuffer, (length, bytes) => this.#received(bytes, length))
    this.identity = identity
    this.#listener = listener
    this.#socket = socket
    this.#output = new Output(socket)
    this.#timer = new WheelTimer(() => this.#timedOut())
    this.#writing = new WriteDeadline(socket, context.wheel, () => this.destroy())
    const x: Exchange = new Exchange(listener, this, this.#head, {
      total: () => totalTimeout(x),
      backoff: () => attempt(x),
    })
    this.#x = x
    socket.on('drain', () => this.#drained())
    socket.on('end', () => this.#ended())
    socket.on('error', () => this.destroy())
    socket.on('close', () => this.#closed())
    this.#isHeadTimed = firstHeadMs !== null
    context.wheel.arm(this.#timer, firstHeadMs ?? listener.settings.timeouts.headMs)
  }

  get isBusy(): boolean {
    return !this.#x.isSettled || this.#socket.writableLength > 0
  }

  get isIdle(): boolean {
    return this.#phase === phase.head && this.#reader.isEmpty && !this.isBusy
  }

  get isBlocked(): boolean {
    return this.#socket.writableNeedDrain
  }

  closeAfterAnswer(): void {
    this.#closes = true
  }

  destroy(): void {
    if (this.#phase === phase.closed) return
    const { wheel } = this.#listener.context
    this.#phase = phase.closed
    wheel.remove(this.#timer)
    this.#writing.end()
    // Whatever is left unsent must not look complete, as a body that ends with the connection would.
    if (!this.isBusy) this.#socket.destroy()
    else if (!this.#socket.destroyed) this.#socket.resetAndDestroy()
    this.#tunnel = null
    this.#waiting.take()
    fail(this.#x, 'client-abort')
    wheel.remove(this.#x.totalTimer)
    wheel.remove(this.#x.backoffTimer)
    this.#listener.forget(this)
  }

  writeInterim(head: ResponseHead): void {
    if (this.#head.minor === 0) return
    this.#output.text(interimText(head))
    this.#output.flush()
  }

  writeHead(head: ResponseHead, framing: BodyFraming): void {
    this.#x.status = head.status
    this.#isChunked = framing === 'stream' && this.#head.minor === 1
    if (!this.#head.keepAlive || this.#listener.context.draining) this.#closes = true
    if (framing === 'stream' && this.#head.minor === 0) this.#closes = true
    if (this.#phase === phase.body && !isBodyWanted(this.#x, head)) this.#closes = true
    this.#output.text(responseHeadText(head, this.#isChunked ? 'chunked' : 'plain', this.#connectionOption()))
  }

  writeBody(bytes: Buffer, start: number, end: number): void {
    if (end === start) return
    this.#x.responseBytes += end - start
    if (!this.#isChunked) return this.#output.bytes(bytes, start, end)
    this.#output.text(chunkSizeLine(end - start))
    this.#output.bytes(bytes, start, end)
    this.#output.text('\r\n')
  }

  writeEnd(trailers: string): void {
    if (this.#isChunked) this.#output.text(`0\r\n${trailers}\r\n`)
  }

  flush(): boolean {
    if (!this.#output.flush() || this.#phase === phase.closed) return false
    this.#writing.watch(this.#listener.settings.timeouts.writeMs)
    return true
  }

  cut(): void {
    if (this.#phase === phase.closed) return
    this.#output.flush()
    // Only a body that ends with the connection looks complete when the connection ends in good order.
    if (this.#x.status !== 0 && !this.#isChunked) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  writeProblem(failure: Failure): void {
    const { draining } = this.#listener.context
    if (failures[failure].closes || this.#phase === phase.body || !this.#head.keepAlive || draining) this.#closes = true
    this.#output.text(problemText(failure, this.#x.requestId, this.#connectionOption(), this.#head.method !== 'HEAD'))
    this.flush()
  }

  pauseBody(): void {
    if (this.#phase === phase.body) this.#socket.pause()
  }

  resumeBody(): void {
    if (this.#phase === phase.body) this.#socket.resume()
  }

  startTunnel(head: ResponseHead, upstream: TunnelEnd): TunnelEnd {
    this.#x.status = 101
    this.#phase = phase.tunnel
    this.#tunnel = upstream
    this.#closes = true
    this.#listener.context.wheel.disarm(this.#timer)
    this.#output.text(switchingText(head))
    this.#output.flush()
    const early = this.#waiting.take()
    this.#socket.resume()
    if (early !== null) this.#tunnelled(early, 0)
    if (this.#hasEnded) upstream.sendEnd()
    return new SocketEnd(this.#socket)
  }

  settled(): void {
    if (this.#phase === phase.closed) return
    if (this.#socket.destroyed) return this.destroy()
    if (this.#closes || this.#phase !== phase.answer) return this.#linger()
    this.#phase = phase.head
    this.#isHeadTimed = false
    this.#listener.context.wheel.arm(this.#timer, this.#listener.settings.timeouts.idleMs)
    if (!this.#isConsuming) this.#goOn()
  }

  bodySlice(bytes: Buffer, start: number, end: number): void {
    const { bodyBytes } = this.#listener.settings.limits
    if (bodyBytes !== null && this.#x.requestBytes + end - start > bodyBytes) return fail(this.#x, 'body-too-large')
    requestBody(this.#x, bytes, start, end)
  }

  #connectionOption(): '' | 'close' | 'keep-alive' {
    if (this.#closes) return 'close'
    return this.#head.minor === 0 ? 'keep-alive' : ''
  }

  /** @param bytes overwritten after the call */
  #received(bytes: Buffer, length: number): void {
    const joined = this.#waiting.takeWith(bytes, length)
    if (joined === null) this.#consume(bytes, length, bytes === this.#listener.context.readBuffer)
    else this.#consume(joined, joined.length, false)
  }

  /** Between two requests: takes what came behind the last one, then reads on. */
  #goOn(): void {
    if (this.isBlocked) return
    const bytes = this.#waiting.take()
    if (bytes !== null) this.#consume(bytes, bytes.length, false)
    if (!this.#waiting.isEmpty) return
    if (this.#hasEnded) return this.#ended()
    this.#socket.resume()
  }

  /**
   * Takes bytes until they are used up or have to wait: for the answer under way, or for the client to take those before. A
   * loop, so that pipelining can't overflow the stack.
   */
  #consume(bytes: Buffer, length: number, isBorrowed: boolean): void {
    this.#isConsuming = true
    let at = 0
    while (at < length) {
      if (this.#phase === phase.head && !this.isBlocked) at = this.#takeHead(bytes, at, length)
      else if (this.#phase === phase.body) {
        if (isBorrowed) {
          bytes = Buffer.from(bytes.subarray(at, length))
          length = bytes.length
          at = 0
          isBorrowed = false
        }
        at = this.#takeBody(bytes, at, length)
      } else break
    }
    this.#isConsuming = false
    if (at === length) return
    if (this.#phase === phase.answer || this.#phase === phase.head) {
      if (!this.#waiting.keep(bytes, at, length, isBorrowed)) this.#socket.pause()
    } else if (this.#phase === phase.tunnel) this.#tunnelled(Buffer.from(bytes.subarray(at, length)), 0)
    else if (this.#phase === phase.linger && isBorrowed) this.#discard?.(length - at)
  }

  #takeHead(bytes: Buffer, at: number, length: number): number {
    const { context, settings } = this.#listener
    const next = this.#reader.take(bytes, at, length, settings.limits.headBytes)
    if (this.#reader.failure !== null) {
      this.#refuse(this.#reader.failure)
      return length
    }
    if (this.#reader.head === null) {
      if (!this.#isHeadTimed && !this.#reader.isEmpty) {
        this.#isHeadTimed = true
        context.wheel.arm(this.#timer, settings.timeouts.headMs)
      }
      return next
    }
    context.wheel.disarm(this.#timer)
    this.#begin(this.#reader.head, this.#reader.headEnd)
    return next
  }

  #begin(text: string, end: number): void {
    const x = this.#x
    const head = this.#head
    x.begin(performance.now())
    const failure = parseRequestHead(text, this.#listener.settings.limits.headFields, head, end)
    if (failure !== null) return this.#refuseBegun(failure)
    x.requestId = this.identity.requestId(head) ?? x.context.makeRequestId()
    x.clientAddress = this.identity.clientAddress(head)
    if (!head.hasBody) {
      this.#phase = phase.answer
      x.requestDone = true
      return handle(x)
    }
    this.#phase = phase.body
    this.#remaining = head.contentLength
    if (head.chunked) this.#decoder.reset()
    const { bodyBytes } = this.#listener.settings.limits
    if (bodyBytes !== null && head.contentLength > bodyBytes) return fail(x, 'body-too-large')
    this.#armBody()
    handle(x)
  }

  /** A head that is no request: answered, counted and logged like any other exchange. */
  #refuse(failure: Failure): void {
    this.#head.clear()
    this.#x.begin(performance.now())
    this.#refuseBegun(failure)
  }

  #refuseBegun(failure: Failure): void {
    this.#x.requestId = this.#x.context.makeRequestId()
    this.#x.clientAddress = this.identity.address
    this.#closes = true
    fail(this.#x, failure)
  }

  #takeBody(bytes: Buffer, at: number, length: number): number {
    const x = this.#x
    if (this.#head.chunked) {
      const next = this.#decoder.push(bytes, at, length, this)
      if (this.#phase !== phase.body) return next
      if (this.#decoder.isBroken) {
        fail(x, 'bad-request')
        return length
      }
      if (this.#decoder.isDone) this.#bodyDone(this.#decoder.trailers)
      else this.#armBody()
      return next
    }
    const end = Math.min(length, at + this.#remaining)
    this.#remaining -= end - at
    requestBody(x, bytes, at, end)
    if (this.#phase !== phase.body) return end
    if (this.#remaining === 0) this.#bodyDone('')
    else this.#armBody()
    return end
  }

  #bodyDone(trailers: string): void {
    this.#listener.context.wheel.disarm(this.#timer)
    this.#phase = phase.answer
    // Paused with the last bytes: from here on only `#waiting` keeps reading paused.
    if (this.#socket.isPaused()) this.#socket.resume()
    requestBodyEnd(this.#x, trailers)
  }

  #tunnelled(bytes: Buffer, at: number): void {
    const tunnel = this.#tunnel
    if (tunnel === null) return
    this.#x.requestBytes += bytes.length - at
    if (tunnel.send(bytes, at, bytes.length).blocked) this.#socket.pause()
  }

  /** The answer was the last one on this connection. */
  #linger(): void {
    const { wheel } = this.#listener.context
    this.#phase = phase.linger
    this.#waiting.take()
    wheel.disarm(this.#timer)
    this.flush()
    this.#discard = linger(this.#socket, wheel)
  }

  #drained(): void {
    this.#writing.stop()
    if (this.#phase === phase.tunnel) return this.#tunnel?.resumeReading()
    if (this.#phase === phase.head) return this.#goOn()
    this.#x.upstream?.downstreamDrained()
  }

  /** The client sent FIN. */
  #ended(): void {
    this.#hasEnded = true
    switch (this.#phase) {
      case phase.answer:
      case phase.linger:
        // Half-closed: the client still wants its answer.
        return
      case phase.tunnel:
        return this.#tunnel?.sendEnd()
      case phase.head:
        // Answers may still be on their way out, and requests may still wait for them.
        if (!this.#waiting.isEmpty) return
        if (this.#reader.isEmpty) return this.#linger()
        return this.destroy()
      default:
        this.destroy()
    }
  }

  #closed(): void {
    // A tunnel whose client is done in good order ends when the endpoint has taken the last bytes.
    if (this.#phase === phase.tunnel && this.#hasEnded && this.#socket.writableFinished) return
    this.destroy()
  }

  #armBody(): void {
    this.#listener.context.wheel.arm(this.#timer, this.#listener.settings.timeouts.bodyMs)
  }

  #timedOut(): void {
    switch (this.#phase) {
      case phase.head:
        if (this.#reader.isEmpty) return this.#linger()
        return this.#refuse('request-timeout')
      case phase.body:
        // Not read because the endpoint takes no more: its silence, not the client's.
        if (this.#socket.isPaused()) return this.#armBody()
        return fail(this.#x, 'request-timeout')
      default:
    }
  }
}
