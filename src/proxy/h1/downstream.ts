import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Failure } from '../../core/failure.ts'
import { WheelTimer } from '../../util/timer-wheel.ts'
import type { ClientIdentity } from '../client-identity.ts'
import { type BodyFraming, type Downstream, Exchange, type TunnelEnd } from '../exchange.ts'
import { halfClosedMs } from '../half-closed.ts'
import { handle, totalTimeout } from '../handle.ts'
import { isLastAnswer, isLastProblem } from '../last-answer.ts'
import type { Listener, ListenerConnection } from '../listener.ts'
import { requestBody, requestBodyEnd, requestFlush } from '../request-body.ts'
import { resetConnection } from '../reset-connection.ts'
import { isRestShort } from '../rest-of-body.ts'
import { fail, forgetTimers } from '../settle.ts'
import type { ChunkSink } from './chunked.ts'
import { phase } from './client-phase.ts'
import { letGo, takeOver } from './client-socket.ts'
import { linger } from './linger.ts'
import { Output } from './output.ts'
import { RequestBodyReader } from './request-body-reader.ts'
import type { RequestHead } from './request-head.ts'
import { RequestReader } from './request-reader.ts'
import type { ResponseHead } from './response-head.ts'
import { connectionOption, interimText, problemText, responseHeadText, switchingText } from './response-writer.ts'
import { OutputEnd } from './output-end.ts'
import { WaitingBytes } from './waiting-bytes.ts'
import { WriteDeadline } from './write-deadline.ts'

/** One client connection: requests in, one at a time, in order; answers out. */
export class DownstreamConnection implements Downstream, ListenerConnection, ChunkSink {
  listIndex = -1
  place = 0
  readonly identity: ClientIdentity
  readonly #listener: Listener
  readonly #socket: Socket
  readonly #output: Output
  /** For what the client has to send; `#writing` for what it has to take. */
  readonly #timer: WheelTimer
  /** Null until the client was slow. */
  #writing: WriteDeadline | null = null
  readonly #reader = new RequestReader()
  readonly #head: RequestHead = this.#reader.head
  readonly #body = new RequestBodyReader()
  readonly #waiting = new WaitingBytes()
  readonly #x: Exchange
  #tunnel: TunnelEnd | null = null
  #phase: number = phase.head
  #isConsuming = false
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
    const socket = takeOver(accepted, context.reads.whole, (length) => this.#received(length))
    this.identity = identity
    this.#listener = listener
    this.#socket = socket
    this.#output = new Output(socket, context, () => this.#drained())
    this.#timer = new WheelTimer(() => this.#timedOut())
    this.#x = new Exchange(listener, this, this.#head, totalTimeout)
    socket.on('end', () => this.#ended())
    socket.on('error', () => this.destroy())
    socket.on('close', () => this.#closed())
    this.#isHeadTimed = firstHeadMs !== null
    context.wheel.arm(this.#timer, firstHeadMs ?? listener.settings.timeouts.headMs)
  }

  get isBusy(): boolean {
    return !this.#x.isSettled || this.#output.isWaiting
  }

  get isIdle(): boolean {
    return this.#phase === phase.head && this.#reader.isEmpty && !this.isBusy
  }

  get isBlocked(): boolean {
    return this.#output.isBlocked
  }

  closeAfterAnswer(): void {
    this.#closes = true
  }

  destroy(): void {
    if (this.#phase === phase.closed) return
    const { wheel } = this.#listener.context
    this.#phase = phase.closed
    wheel.remove(this.#timer)
    this.#writing?.end()
    // Whatever is left unsent must not look complete, as a body that ends with the connection would.
    if (!this.isBusy) this.#socket.destroy()
    else if (!this.#socket.destroyed) resetConnection(this.#socket)
    this.#tunnel = null
    this.#waiting.take()
    fail(this.#x, 'client-abort')
    forgetTimers(this.#x)
    this.#listener.forget(this)
  }

  writeInterim(head: ResponseHead): void {
    if (this.#head.minor === 0) return
    this.#x.hasInterim = true
    this.#output.text(interimText(head))
    this.flush()
  }

  writeHead(head: ResponseHead, framing: BodyFraming): void {
    this.#x.status = head.status
    this.#isChunked = framing === 'stream' && this.#head.minor === 1
    if (isLastAnswer(this.#x, head, framing)) this.#closes = true
    const connection = connectionOption(this.#head, this.#closes)
    this.#output.text(responseHeadText(head, this.#isChunked ? 'chunked' : 'plain', connection))
  }

  writeBody(bytes: Buffer, start: number, end: number): void {
    if (end === start) return
    this.#x.responseBytes += end - start
    if (this.#isChunked) this.#output.chunk(bytes, start, end)
    else this.#output.bytes(bytes, start, end)
  }

  writeEnd(trailers: string): void {
    if (this.#isChunked) this.#output.text(`0\r\n${trailers}\r\n`)
  }

  flush(): void {
    this.#output.flush()
    if (!this.#output.isWaiting || this.#phase === phase.closed) return
    const { context, settings } = this.#listener
    this.#writing ??= new WriteDeadline(this.#socket, context.wheel, () => this.destroy())
    this.#writing.watch(settings.timeouts.writeMs)
  }

  cut(): void {
    if (this.#phase === phase.closed) return
    this.#output.flush()
    // Only a body that ends with the connection looks complete when the connection ends in good order.
    if (this.#x.status !== 0 && !this.#isChunked) resetConnection(this.#socket)
    else this.#socket.destroy()
  }

  writeProblem(failure: Failure): void {
    if (isLastProblem(this.#x, failure)) this.#closes = true
    const connection = connectionOption(this.#head, this.#closes)
    this.#output.text(problemText(failure, this.#x.requestId, connection, this.#head.method !== 'HEAD'))
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
    if (early !== null) this.#tunnelled(early, 0, early.length)
    if (this.#hasEnded) upstream.sendEnd()
    return new OutputEnd(this.#socket, this.#output)
  }

  settled(): void {
    if (this.#phase === phase.closed || this.#socket.destroyed) return this.destroy()
    if (this.#closes) return this.#linger()
    if (this.#phase === phase.body) return this.#dropRest()
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

  #received(length: number): void {
    const { bytes, start } = this.#listener.context.reads
    const joined = this.#waiting.takeWith(bytes, start, start + length)
    if (joined === null) this.#consume(bytes, start, start + length)
    else this.#consume(joined, 0, joined.length)
  }

  /** Between two requests: takes what came behind the last one, then reads on. */
  #goOn(): void {
    if (this.isBlocked) return
    const bytes = this.#waiting.take()
    if (bytes !== null) this.#consume(bytes, 0, bytes.length)
    if (this.#hasEnded) return this.#ended()
    if (this.#waiting.isEmpty) this.#socket.resume()
  }

  /**
   * Takes bytes until they are used up or have to wait: for the answer under way, or for the client to take those before. A
   * loop, so that pipelining can't overflow the stack.
   */
  #consume(bytes: Buffer, start: number, end: number): void {
    this.#isConsuming = true
    let at = start
    while (at < end) {
      if (this.#phase === phase.head && !this.isBlocked) at = this.#takeHead(bytes, at, end)
      else if (this.#phase === phase.body) at = this.#takeBody(bytes, at, end)
      else if (this.#phase === phase.rest) at = this.#takeRest(bytes, at, end)
      else break
    }
    this.#isConsuming = false
    if (this.#x.head.hasBody) requestFlush(this.#x)
    if (at === end) return
    if (this.#phase === phase.answer || this.#phase === phase.head) {
      const isShared = bytes === this.#listener.context.reads.bytes
      if (!this.#waiting.keep(bytes, at, end, isShared)) this.#socket.pause()
    } else if (this.#phase === phase.tunnel) this.#tunnelled(bytes, at, end)
    else if (this.#phase === phase.linger) this.#discard?.(end - at)
  }

  #takeHead(bytes: Buffer, at: number, end: number): number {
    const { context, settings } = this.#listener
    const reader = this.#reader
    const next = reader.take(bytes, at, end, settings.limits)
    if (reader.failure !== null) {
      this.#refuse(reader.failure, reader.isWhole)
      return next
    }
    if (!reader.isWhole) {
      if (!this.#isHeadTimed && !reader.isEmpty) {
        this.#isHeadTimed = true
        context.wheel.arm(this.#timer, settings.timeouts.headMs)
      }
      return next
    }
    context.wheel.disarm(this.#timer)
    this.#begin()
    return next
  }

  #begin(): void {
    const x = this.#x
    const head = this.#head
    x.begin(performance.now())
    x.requestId = this.identity.requestId(head) ?? x.context.makeRequestId()
    x.clientAddress = this.identity.clientAddress(head)
    if (!head.hasBody) {
      this.#phase = phase.answer
      x.requestDone = true
      return handle(x)
    }
    this.#phase = phase.body
    this.#body.begin(head)
    const { bodyBytes } = this.#listener.settings.limits
    if (bodyBytes !== null && head.contentLength > bodyBytes) return fail(x, 'body-too-large')
    this.#armBody()
    handle(x)
  }

  /** A head that is no request: answered, counted and logged like any other exchange. @param isRead false when nothing is known of it */
  #refuse(failure: Failure, isRead: boolean): void {
    const x = this.#x
    if (!isRead) this.#head.clear()
    x.begin(performance.now())
    x.requestId = x.context.makeRequestId()
    x.clientAddress = this.identity.address
    this.#closes = true
    fail(x, failure)
  }

  #takeBody(bytes: Buffer, at: number, end: number): number {
    const next = this.#body.take(bytes, at, end, this)
    if (this.#phase !== phase.body) return next
    if (this.#body.isBroken) {
      fail(this.#x, 'bad-request')
      return end
    }
    if (this.#body.isDone) this.#bodyDone(this.#body.trailers)
    else this.#armBody()
    return next
  }

  #bodyDone(trailers: string): void {
    this.#listener.context.wheel.disarm(this.#timer)
    this.#phase = phase.answer
    // Paused with the last bytes: from here on only `#waiting` keeps reading paused.
    if (this.#socket.isPaused()) this.#socket.resume()
    requestBodyEnd(this.#x, trailers)
  }

  /** The answer is whole; what is still to come of its request is of no use to anyone. */
  #dropRest(): void {
    if (!isRestShort(this.#x)) return this.#linger()
    this.#phase = phase.rest
    this.#armBody()
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  #takeRest(bytes: Buffer, at: number, end: number): number {
    const next = this.#body.drop(bytes, at, end)
    if (this.#body.isBroken) this.#linger()
    else if (this.#body.isDone) this.settled()
    return next
  }

  #tunnelled(bytes: Buffer, start: number, end: number): void {
    const tunnel = this.#tunnel
    if (tunnel === null) return
    this.#x.requestBytes += end - start
    if (!tunnel.send(bytes, start, end)) this.#socket.pause()
  }

  /** The answer was the last one on this connection. */
  #linger(): void {
    const { wheel } = this.#listener.context
    const expectsMore = this.#expectsMore()
    this.flush()
    if (!expectsMore && !this.#output.isWaiting) return this.destroy()
    this.#phase = phase.linger
    this.#waiting.take()
    wheel.disarm(this.#timer)
    if (expectsMore) this.#discard = linger(this.#socket, wheel, () => this.#output.end())
    else this.#output.endAndDestroy()
  }

  /** False when the client asked for the end itself, behind a request without a body: then nothing follows. */
  #expectsMore(): boolean {
    const { keepAlive, hasBody } = this.#head
    return this.#phase !== phase.answer || keepAlive || hasBody || this.#isConsuming || !this.#waiting.isEmpty
  }

  #drained(): void {
    this.#writing?.stop()
    if (this.#phase === phase.tunnel) return this.#tunnel?.resumeReading()
    if (this.#phase === phase.head) return this.#goOn()
    this.#x.upstream?.downstreamDrained()
  }

  /** The client sent FIN. */
  #ended(): void {
    this.#hasEnded = true
    switch (this.#phase) {
      case phase.answer:
        return this.#listener.context.wheel.arm(this.#timer, halfClosedMs)
      case phase.tunnel:
        return this.#tunnel?.sendEnd()
      case phase.head:
        // Answers may still be on their way out, and requests may still wait for them.
        if (!this.#waiting.isEmpty) return
        return this.#reader.isEmpty ? this.#linger() : this.destroy()
      case phase.body:
        return this.destroy()
      case phase.rest:
        return this.#linger()
      default:
    }
  }

  #closed(): void {
    letGo(this.#socket)
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
        return this.#refuse('request-timeout', false)
      case phase.body:
        // Not read because the endpoint takes no more: its silence, not the client's.
        if (this.#socket.isPaused()) return this.#armBody()
        return fail(this.#x, 'request-timeout')
      case phase.answer:
        if (this.#x.status === 0) fail(this.#x, 'client-abort')
        return
      case phase.rest:
        return this.#linger()
      default:
    }
  }
}
