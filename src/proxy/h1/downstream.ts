import type { Socket } from 'node:net'
import { failures, type Failure } from '../../core/failure.ts'
import { WheelTimer } from '../../util/timer-wheel.ts'
import type { ClientIdentity } from '../client-identity.ts'
import { type BodyFraming, type Downstream, Exchange, type TunnelEnd, type TunnelFlow } from '../exchange.ts'
import { attempt, handle, requestReceived, totalTimeout } from '../handle.ts'
import { requestBody, requestBodyEnd } from '../request-body.ts'
import { fail } from '../settle.ts'
import { ChunkedDecoder, type ChunkSink, chunkSizeLine } from './chunked.ts'
import { HeadReader } from './head-reader.ts'
import type { Listener } from './listener.ts'
import { Output } from './output.ts'
import { parseRequestHead, RequestHead } from './request-head.ts'
import type { ResponseHead } from './response-head.ts'
import { interimText, problemText, responseHeadText, switchingText } from './response-writer.ts'

/** After our last answer: how long, and how much, the client may still send before the connection is destroyed. */
const lingerMs = 2000
const lingerBytes = 1024 * 1024

/**
 * Where a connection stands: `head` between requests and in a head; `body` while a request body comes in; `answer` when
 * the request is complete and its answer is not; `linger` after the last answer.
 */
const phase = { head: 0, body: 1, answer: 2, tunnel: 3, linger: 4, closed: 5 } as const

/** One client connection: requests in, one at a time, in order; answers out. */
export class DownstreamConnection implements Downstream, TunnelEnd, ChunkSink {
  readonly identity: ClientIdentity
  readonly #listener: Listener
  readonly #socket: Socket
  readonly #output: Output
  readonly #timer: WheelTimer
  readonly #reader = new HeadReader()
  readonly #head = new RequestHead()
  readonly #decoder = new ChunkedDecoder()
  readonly #x: Exchange
  #tunnel: TunnelEnd | null = null
  #phase: number = phase.head
  /** Bytes that came behind the request under way. */
  #leftover: Buffer | null = null
  #isConsuming = false
  /** Body bytes still to come, of a request with Content-Length. */
  #remaining = 0
  /** Our answer is the last one on this connection. */
  #closes = false
  #hasEnded = false
  #isHeadTimed = false
  /** The response goes out chunked, since its length is not known. */
  #isChunked = false
  #lingered = 0
  #queuedBefore = 0

  constructor(listener: Listener, socket: Socket, identity: ClientIdentity) {
    const { context } = listener
    this.identity = identity
    this.#listener = listener
    this.#socket = socket
    this.#output = new Output(socket)
    this.#timer = new WheelTimer(() => this.#timedOut())
    const x: Exchange = new Exchange(context, this, listener.name, this.#head, {
      total: () => totalTimeout(x),
      backoff: () => attempt(x),
    })
    this.#x = x
    socket.on('data', (bytes: Buffer) => this.#received(bytes))
    socket.on('drain', () => this.#drained())
    socket.on('end', () => this.#ended())
    socket.on('error', () => this.destroy())
    socket.on('close', () => this.destroy())
    context.wheel.arm(this.#timer, listener.settings.timeouts.headMs)
  }

  get isIdle(): boolean {
    return this.#phase === phase.head && this.#reader.isEmpty
  }

  get isBlocked(): boolean {
    return this.#socket.writableNeedDrain
  }

  /** No further request after the one under way. */
  closeAfterAnswer(): void {
    this.#closes = true
  }

  destroy(): void {
    if (this.#phase === phase.closed) return
    this.#phase = phase.closed
    this.#listener.context.wheel.disarm(this.#timer)
    this.#socket.destroy()
    this.#tunnel?.destroy()
    this.#tunnel = null
    fail(this.#x, 'client-abort')
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
    // An answer that refuses the rest of the body: no use in reading it all to save the connection.
    if (this.#phase === phase.body && (head.status >= 400 || !head.keepAlive)) this.#closes = true
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
    const queued = this.#output.flush()
    if (queued && !this.#timer.armed) this.#armWrite()
    return queued
  }

  cut(): void {
    if (this.#phase === phase.closed) return
    this.#output.flush()
    // Only a body that ends with the connection looks complete when the connection ends in good order.
    if (this.#x.status !== 0 && !this.#isChunked) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  writeProblem(failure: Failure): void {
    if (
      failures[failure].closes ||
      this.#phase === phase.body ||
      !this.#head.keepAlive ||
      this.#listener.context.draining
    ) {
      this.#closes = true
    }
    this.#output.text(problemText(failure, this.#x.requestId, this.#connectionOption(), this.#head.method !== 'HEAD'))
    this.#output.flush()
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
    const early = this.#leftover
    this.#leftover = null
    if (early !== null) this.#tunnelled(early, 0)
    this.#socket.resume()
    if (this.#hasEnded) upstream.sendEnd()
    return this
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

  settled(): void {
    if (this.#phase === phase.closed) return
    if (this.#phase === phase.tunnel) return this.destroy()
    if (this.#closes || this.#hasEnded || this.#phase !== phase.answer) return this.#linger()
    this.#phase = phase.head
    this.#isHeadTimed = false
    this.#listener.context.wheel.arm(this.#timer, this.#listener.settings.timeouts.idleMs)
    if (this.#leftover === null || this.#isConsuming) return
    const bytes = this.#leftover
    this.#leftover = null
    this.#socket.resume()
    this.#consume(bytes)
  }

  bodySlice(bytes: Buffer, start: number, end: number): void {
    if (this.#exceedsBodyLimit(end - start)) return
    requestBody(this.#x, bytes, start, end)
  }

  #connectionOption(): '' | 'close' | 'keep-alive' {
    if (this.#closes) return 'close'
    return this.#head.minor === 0 ? 'keep-alive' : ''
  }

  #received(bytes: Buffer): void {
    if (this.#leftover !== null) bytes = Buffer.concat([this.#leftover, bytes])
    this.#leftover = null
    this.#consume(bytes)
  }

  /** Takes bytes until they are used up or have to wait for the answer under way; a loop, so that pipelining can't overflow the stack. */
  #consume(bytes: Buffer): void {
    this.#isConsuming = true
    let at = 0
    while (at < bytes.length) {
      if (this.#phase === phase.head) at = this.#takeHead(bytes, at)
      else if (this.#phase === phase.body) at = this.#takeBody(bytes, at)
      else break
    }
    this.#isConsuming = false
    if (at === bytes.length) return
    if (this.#phase === phase.answer) {
      this.#leftover = at === 0 ? bytes : bytes.subarray(at)
      this.#socket.pause()
    } else if (this.#phase === phase.tunnel) this.#tunnelled(bytes, at)
    else if (this.#phase === phase.linger) this.#discard(bytes.length - at)
  }

  #takeHead(bytes: Buffer, at: number): number {
    const { context, settings } = this.#listener
    const next = this.#reader.take(bytes, at, settings.limits.headBytes)
    if (this.#reader.failure !== null) {
      this.#refuse(this.#reader.failure)
      return bytes.length
    }
    if (this.#reader.head === null) {
      if (!this.#isHeadTimed && !this.#reader.isEmpty) {
        this.#isHeadTimed = true
        context.wheel.arm(this.#timer, settings.timeouts.headMs)
      }
      return next
    }
    context.wheel.disarm(this.#timer)
    this.#begin(this.#reader.head)
    return next
  }

  #begin(text: string): void {
    const x = this.#x
    const head = this.#head
    x.begin(performance.now())
    const failure = parseRequestHead(text, this.#listener.settings.limits.headFields, head)
    if (failure !== null) return this.#refuseBegun(failure)
    x.requestId = this.identity.requestId(head) ?? x.context.makeRequestId()
    x.clientAddress = this.identity.clientAddress(head)
    if (!head.hasBody) {
      this.#phase = phase.answer
      requestReceived(x)
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

  #takeBody(bytes: Buffer, at: number): number {
    const x = this.#x
    if (this.#head.chunked) {
      const next = this.#decoder.push(bytes, at, bytes.length, this)
      if (this.#phase !== phase.body) return next
      if (this.#decoder.isBroken) {
        fail(x, 'bad-request')
        return bytes.length
      }
      if (this.#decoder.isDone) this.#bodyDone(this.#decoder.trailers)
      else this.#armBody()
      return next
    }
    const end = Math.min(bytes.length, at + this.#remaining)
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
    requestBodyEnd(this.#x, trailers)
  }

  #exceedsBodyLimit(more: number): boolean {
    const { bodyBytes } = this.#listener.settings.limits
    if (bodyBytes === null || this.#x.requestBytes + more <= bodyBytes) return false
    fail(this.#x, 'body-too-large')
    return true
  }

  #tunnelled(bytes: Buffer, at: number): void {
    const tunnel = this.#tunnel
    if (tunnel === null) return
    this.#x.requestBytes += bytes.length - at
    if (tunnel.send(bytes, at, bytes.length).blocked) this.#socket.pause()
  }

  /** The answer is the last one: half-close, let the client finish, then close, lest a reset eats the answer (RFC 9112 section 9.6). */
  #linger(): void {
    this.#phase = phase.linger
    this.#leftover = null
    this.#output.flush()
    this.#socket.end()
    if (this.#hasEnded) return
    this.#socket.resume()
    this.#listener.context.wheel.arm(this.#timer, lingerMs)
  }

  #discard(bytes: number): void {
    this.#lingered += bytes
    if (this.#lingered > lingerBytes) this.destroy()
  }

  #drained(): void {
    if (this.#phase === phase.tunnel) return this.#tunnel?.resumeReading()
    if (this.#phase === phase.answer) this.#listener.context.wheel.disarm(this.#timer)
    this.#x.upstream?.downstreamDrained()
  }

  #ended(): void {
    this.#hasEnded = true
    switch (this.#phase) {
      case phase.answer:
        // Half-closed: the client still wants its answer.
        return
      case phase.tunnel:
        return this.#tunnel?.sendEnd()
      case phase.linger:
        return
      default:
        this.destroy()
    }
  }

  #armBody(): void {
    this.#listener.context.wheel.arm(this.#timer, this.#listener.settings.timeouts.bodyMs)
  }

  #armWrite(): void {
    this.#queuedBefore = this.#socket.writableLength
    this.#listener.context.wheel.arm(this.#timer, this.#listener.settings.timeouts.writeMs)
  }

  #timedOut(): void {
    if (this.#phase === phase.linger || this.#phase === phase.closed) return this.destroy()
    if (this.#socket.writableLength > 0) {
      if (this.#socket.writableLength >= this.#queuedBefore && this.#queuedBefore > 0) return this.destroy()
      return this.#armWrite()
    }
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
