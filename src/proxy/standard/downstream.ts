import type { IncomingMessage, ServerResponse } from 'node:http'
import { failures, type Failure } from '../../core/failure.ts'
import { WheelTimer } from '../../util/timer-wheel.ts'
import type { ClientIdentity } from '../client-identity.ts'
import { type BodyFraming, type Downstream, Exchange, type TunnelEnd } from '../exchange.ts'
import { filterTrailers } from '../h1/chunked.ts'
import { parseRequestHead, RequestHead } from '../h1/request-head.ts'
import type { ResponseHead } from '../h1/response-head.ts'
import { problemText, switchingText } from '../h1/response-writer.ts'
import { handle, totalTimeout } from '../handle.ts'
import { isLastAnswer, isLastProblem } from '../last-answer.ts'
import { requestBody, requestBodyEnd, requestFlush } from '../request-body.ts'
import { resetConnection } from '../reset-connection.ts'
import { isRestShort, maxRestBytes } from '../rest-of-body.ts'
import { fail, forgetTimers, settle } from '../settle.ts'
import type { StandardConnection } from './connection.ts'
import { fieldLines, fieldPairs, flatFields, withoutTrailerField } from './field-lines.ts'
import { requestHeadText } from './head-text.ts'
import { inLatin1 } from './in-latin1.ts'
import { runMiddlewares } from './middlewares.ts'
import { tooLarge } from './parse-failure.ts'
import { SocketEnd } from './socket-end.ts'

/** The client's side of one exchange, over the request and response of node:http. */
export class StandardDownstream implements Downstream {
  readonly identity: ClientIdentity
  readonly #connection: StandardConnection
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #early: Buffer | null
  /** The response has no socket of its own from node:http. */
  readonly #isDetached: boolean
  #refusal: Failure | null
  #hasStarted = false
  #hasContinued = false
  readonly #head = new RequestHead()
  readonly #x: Exchange
  readonly #bodyTimer: WheelTimer
  #tunnel: TunnelEnd | null = null
  #hasEnded = false
  #isChunked = false
  /** node:http keeps a head back until there is something of the body. */
  #isHeadWaiting = false
  /** The request body is still coming in. When the exchange is settled, it is dropped. */
  #isReceiving = false
  #isSent = false
  /** `socket.bytesRead` when the rest of the body began to be dropped. */
  #bytesBeforeRest = 0

  /**
   * @param early bytes behind a request that may become a tunnel; such a response has no socket of its own yet
   * @param refusal why node:http could not read this request; then `request` is empty, and `response` has no socket either
   */
  constructor(
    connection: StandardConnection,
    request: IncomingMessage,
    response: ServerResponse,
    early: Buffer | null = null,
    refusal: Failure | null = null,
  ) {
    this.#connection = connection
    this.#request = request
    this.#response = response
    this.#early = early
    this.#refusal = refusal
    this.#isDetached = early !== null || refusal !== null
    this.identity = connection.identity
    this.#bodyTimer = new WheelTimer(() => this.#bodyTimedOut())
    this.#x = new Exchange(connection.listener, this, this.#head, totalTimeout)
    response.sendDate = false
  }

  /** False while some of its request may still come. */
  get isWhole(): boolean {
    return this.#request.complete || this.#isDetached
  }

  /** True for one that can't go on when no more comes. */
  get isHalf(): boolean {
    return !this.isWhole && !this.#x.isSettled
  }

  /** True while the rest of its body is dropped behind its answer. */
  get isDropping(): boolean {
    return this.#isReceiving && this.#x.isSettled
  }

  /** True once something of its answer was sent. */
  get isAnswered(): boolean {
    return this.#x.status !== 0
  }

  /** True for a tunnel whose client is done in good order: it ends when the endpoint has taken the last bytes. */
  get outlivesClient(): boolean {
    return this.#tunnel !== null && this.#hasEnded && this.#connection.socket.writableFinished
  }

  get isBlocked(): boolean {
    return this.#connection.socket.writableNeedDrain
  }

  /** The exchanges before it are over: it is this one's turn. */
  start(): void {
    const { socket, listener } = this.#connection
    const { headFields, headBytes } = listener.settings.limits
    this.#hasStarted = true
    if (this.#isDetached) {
      this.#connection.closes = true
      this.#response.assignSocket(socket)
    }
    this.#response.on('finish', () => this.#finished())
    this.#x.begin(performance.now())
    if (this.#refusal !== null) return this.#refuse(this.#refusal)
    const text = requestHeadText(this.#request)
    if (text.length > headBytes) return this.#refuse(tooLarge(text, headBytes))
    const failure = parseRequestHead(text, headFields, this.#head)
    if (failure !== null) return this.#refuse(failure)
    this.#x.requestId = this.identity.requestId(this.#head) ?? listener.context.makeRequestId()
    this.#x.clientAddress = this.identity.clientAddress(this.#head)
    const { middlewares } = listener.context
    if (middlewares.length === 0) return this.#handle()
    runMiddlewares(middlewares, this.#request, this.#response, (error) => {
      if (error === null) this.#handle()
      else fail(this.#x, 'middleware-failed')
    })
  }

  /** What came behind the head is no body, or not in time. */
  bodyBroken(failure: Failure): void {
    if (!this.#hasStarted) this.#refusal = failure
    else if (this.isDropping) this.restEnded(false)
    else fail(this.#x, failure)
  }

  drained(): void {
    if (this.#tunnel === null) this.#x.upstream?.downstreamDrained()
    else this.#tunnel.resumeReading()
  }

  clientLeft(): void {
    this.#stopReceiving()
    this.#tunnel = null
    fail(this.#x, 'client-abort')
    this.#forgetTimers()
  }

  writeInterim(head: ResponseHead): void {
    if (this.#head.minor === 0) return
    this.#x.hasInterim = true
    if (head.status === 100) {
      this.#hasContinued = true
      this.#response.writeContinue()
    }
    // Older versions of node:http have no way to send any other.
    else this.#response.writeInformation?.(head.status, flatFields(head.carried))
  }

  writeHead(head: ResponseHead, framing: BodyFraming): void {
    this.#x.status = head.status
    this.#isChunked = framing === 'stream' && this.#head.minor === 1
    if (isLastAnswer(this.#x, head, framing)) this.#connection.closes = true
    // node:http ends a connection whose client was told to wait and then was not called.
    if (this.#head.expectContinue && !this.#hasContinued) this.#connection.closes = true
    const fields = flatFields(head.carried)
    if (this.#isChunked) fields.push('transfer-encoding', 'chunked')
    this.#writeHead(head.status, head.reason, this.#isChunked ? fields : withoutTrailerField(fields))
  }

  writeBody(bytes: Buffer, start: number, end: number): void {
    if (end === start) return
    this.#x.responseBytes += end - start
    this.#response.write(bytes.subarray(start, end))
  }

  writeEnd(trailers: string): void {
    this.#isHeadWaiting = false
    if (this.#isChunked && trailers !== '') this.#response.addTrailers(fieldPairs(trailers))
    this.#response.end()
  }

  flush(): void {
    const { socket, writing, listener } = this.#connection
    if (this.#isHeadWaiting) {
      this.#isHeadWaiting = false
      inLatin1(socket, () => this.#response.flushHeaders())
    }
    if (socket.destroyed || socket.writableLength === 0) return
    writing.watch(listener.settings.timeouts.writeMs)
  }

  cut(): void {
    const { socket } = this.#connection
    this.flush()
    // node:http gathers the chunks of one turn.
    socket.uncork()
    // Only a body that ends with the connection looks complete when the connection ends in good order.
    if (this.#x.status !== 0 && !this.#isChunked) resetConnection(socket)
    else socket.destroy()
  }

  writeProblem(failure: Failure): void {
    if (isLastProblem(this.#x, failure)) this.#connection.closes = true
    const [head = '', body] = problemText(failure, this.#x.requestId, '', this.#head.method !== 'HEAD').split(
      '\r\n\r\n',
    )
    const lineEnd = head.indexOf('\r\n')
    this.#writeHead(failures[failure].status, head.slice(13, lineEnd), flatFields(head.slice(lineEnd)))
    this.#response.end(body)
    this.#isHeadWaiting = false
    this.flush()
  }

  pauseBody(): void {
    if (this.#isReceiving) this.#request.pause()
  }

  resumeBody(): void {
    if (this.#isReceiving) this.#request.resume()
  }

  startTunnel(head: ResponseHead, upstream: TunnelEnd): TunnelEnd {
    const { socket } = this.#connection
    this.#x.status = 101
    this.#tunnel = upstream
    this.#connection.closes = true
    this.#response.detachSocket(socket)
    socket.write(switchingText(head), 'latin1')
    socket.on('data', (bytes: Buffer) => this.#tunnelled(bytes))
    socket.on('end', () => {
      this.#hasEnded = true
      this.#tunnel?.sendEnd()
    })
    if (this.#early !== null && this.#early.length > 0) this.#tunnelled(this.#early)
    socket.resume()
    return new SocketEnd(socket)
  }

  settled(): void {
    const isRestDropped = this.#mayDropRest()
    if (this.#isReceiving && !isRestDropped) {
      this.#connection.closes = true
      this.#stopReceiving()
    }
    this.#forgetTimers()
    if (isRestDropped) this.#dropRest()
    if (this.#tunnel === null) return
    this.#tunnel = null
    this.#connection.answered()
  }

  /** The rest of the request body was dropped. @param isWhole false when it was too much, too slow, or none */
  restEnded(isWhole: boolean): void {
    this.#stopReceiving()
    this.#forgetTimers()
    if (!isWhole) this.#connection.closes = true
    if (this.#isSent) this.#connection.answered()
  }

  #handle(): void {
    const x = this.#x
    const request = this.#request
    const { bodyBytes } = this.#connection.listener.settings.limits
    if (!this.#head.hasBody) {
      x.requestDone = true
      return handle(x)
    }
    this.#isReceiving = true
    if (bodyBytes !== null && this.#head.contentLength > bodyBytes) return fail(x, 'body-too-large')
    this.#armBody()
    request.on('data', (bytes: Buffer) => this.#bodySlice(bytes))
    request.on('end', () => this.#bodyDone())
    request.on('error', () => {})
    handle(x)
  }

  #refuse(failure: Failure): void {
    this.#x.requestId = this.#connection.listener.context.makeRequestId()
    this.#x.clientAddress = this.identity.address
    this.#connection.closes = true
    fail(this.#x, failure)
  }

  #writeHead(status: number, reason: string, fields: string[]): void {
    // What node:http would say about the connection is ours to say.
    this.#response.removeHeader('connection')
    if (this.#connection.closes) fields.push('connection', 'close')
    else if (this.#head.minor === 0) fields.push('connection', 'keep-alive')
    inLatin1(this.#connection.socket, () => this.#response.writeHead(status, reason, fields))
    this.#isHeadWaiting = true
  }

  #bodySlice(bytes: Buffer): void {
    if (!this.#isReceiving) return
    if (this.#x.isSettled) return this.#restSlice()
    const { bodyBytes } = this.#connection.listener.settings.limits
    if (bodyBytes !== null && this.#x.requestBytes + bytes.length > bodyBytes) return fail(this.#x, 'body-too-large')
    this.#armBody()
    requestBody(this.#x, bytes, 0, bytes.length)
    requestFlush(this.#x)
  }

  #bodyDone(): void {
    if (!this.#isReceiving) return
    const trailers = filterTrailers(fieldLines(this.#request.rawTrailers).slice(0, -2))
    if (this.#x.isSettled) return this.restEnded(trailers !== null)
    if (trailers === null) return fail(this.#x, 'bad-request')
    this.#stopReceiving()
    requestBodyEnd(this.#x, trailers)
  }

  #mayDropRest(): boolean {
    const { closes, socket } = this.#connection
    return this.#isReceiving && !closes && !socket.destroyed && isRestShort(this.#x)
  }

  /** The answer is whole; what is still to come of its request is of no use to anyone. */
  #dropRest(): void {
    this.#bytesBeforeRest = this.#connection.socket.bytesRead
    this.#armBody()
    this.#request.resume()
  }

  /** With Content-Length, it was judged before. What was read may be more than the rest of the body. */
  #restSlice(): void {
    const { bytesRead } = this.#connection.socket
    if (this.#head.chunked && bytesRead - this.#bytesBeforeRest > maxRestBytes) this.restEnded(false)
  }

  #stopReceiving(): void {
    this.#isReceiving = false
    this.#connection.listener.context.wheel.disarm(this.#bodyTimer)
  }

  /** Each request has timers of its own here: a bucket of the wheel would hold it until it comes round. */
  #forgetTimers(): void {
    forgetTimers(this.#x)
    this.#x.context.wheel.remove(this.#bodyTimer)
  }

  #armBody(): void {
    const { context, settings } = this.#connection.listener
    context.wheel.arm(this.#bodyTimer, settings.timeouts.bodyMs)
  }

  #bodyTimedOut(): void {
    if (this.#x.isSettled) return this.restEnded(false)
    // Not read because the endpoint takes no more: its silence, not the client's.
    if (this.#request.isPaused()) return this.#armBody()
    fail(this.#x, 'request-timeout')
  }

  #tunnelled(bytes: Buffer): void {
    if (this.#tunnel === null) return
    this.#x.requestBytes += bytes.length
    if (!this.#tunnel.send(bytes, 0, bytes.length)) this.#connection.socket.pause()
  }

  /** The answer was handed to the system: ours, or that of a middleware. */
  #finished(): void {
    const x = this.#x
    if (!x.isSettled && x.upstream === null && x.status === 0) {
      x.status = this.#response.statusCode
      settle(x, null)
    }
    if (this.#isDetached) this.#response.detachSocket(this.#connection.socket)
    this.#isSent = true
    if (x.isSettled && !this.#isReceiving) this.#connection.answered()
  }
}
