import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Endpoint } from '../../core/endpoint.ts'
import type { Failure } from '../../core/failure.ts'
import { WheelTimer } from '../../util/timer-wheel.ts'
import { framingOf } from '../body-framing.ts'
import type { ProxyContext } from '../context.ts'
import type { BodyFraming, Exchange, TunnelEnd, UpstreamAttempt } from '../exchange.ts'
import { answerDropped, attemptAnswered, attemptDone, attemptFailed, mayDropAnswer } from '../handle.ts'
import { sendKept } from '../request-body.ts'
import { perTryOf, settingsOf } from '../settings-of.ts'
import { ChunkedDecoder, type ChunkSink } from './chunked.ts'
import { failureOfConnectError } from './connect-error.ts'
import { tightWrites } from './client-socket.ts'
import { Output } from './output.ts'
import type { Pool } from './pool.ts'
import { requestHeadText } from './request-writer.ts'
import { type ResponseHead, switchesAsAsked } from './response-head.ts'
import { ResponseReader } from './response-reader.ts'

/** Interim responses (1xx) before the final one. */
const maxInterims = 32

/** Where a connection stands. */
const phase = { connecting: 0, idle: 1, head: 2, body: 3, tunnel: 4, closed: 5 } as const

/** One connection to an endpoint, carrying one exchange at a time. */
export class UpstreamConnection implements UpstreamAttempt, TunnelEnd, ChunkSink {
  /** Set by the pool while idle. */
  idleUntilMs = 0
  readonly #context: ProxyContext
  readonly #endpoint: Endpoint
  readonly #pool: Pool
  readonly #socket: Socket
  readonly #output: Output
  readonly #timer: WheelTimer
  readonly #reader = new ResponseReader()
  readonly #head: ResponseHead = this.#reader.head
  readonly #decoder = new ChunkedDecoder()
  #x: Exchange | null = null
  #tunnel: TunnelEnd | null = null
  #phase: number = phase.connecting
  #framing: BodyFraming = 'none'
  /** Body bytes still to come, of a response with Content-Length. */
  #remaining = 0
  #interims = 0
  /** Bytes that the last read brought. */
  #lastRead = 0
  /** When the event under way began. */
  #nowMs = 0
  #isReused = false
  #hasQueued = false
  #isReadPaused = false
  #connectError: NodeJS.ErrnoException | null = null

  constructor(pool: Pool) {
    this.#context = pool.context
    this.#endpoint = pool.endpoint
    this.#pool = pool
    this.#timer = new WheelTimer(() => this.#timedOut())
    const { tls } = pool
    const options: TcpNetConnectOpts = {
      host: pool.endpoint.host,
      port: pool.endpoint.port,
      noDelay: true,
      allowHalfOpen: true,
      onread: { buffer: () => this.#context.nextView(this.#lastRead), callback: (length) => this.#read(length) },
    }
    this.#socket = tls === null ? connect({ ...options, ...tightWrites }) : tls.connect(options)
    this.#output = new Output(this.#socket, this.#context, () => this.#drained())
    this.#socket.on(tls === null ? 'connect' : 'secureConnect', () => this.#connected())
    this.#socket.on('end', () => this.#ended(false))
    this.#socket.on('error', (error) => void (this.#connectError = error))
    this.#socket.on('close', () => this.#ended(true))
  }

  /** Carries `x`, at once or when the connection stands. @param hasWaited its body was kept @param leftMs to connect, behind others */
  start(x: Exchange, hasWaited: boolean, leftMs: number | null = null): void {
    this.#x = x
    this.#reader.reset()
    this.#interims = 0
    if (this.#phase === phase.connecting) {
      this.#hasQueued = leftMs !== null
      return this.#context.wheel.arm(this.#timer, leftMs ?? settingsOf(x).connectTimeoutMs)
    }
    this.#isReused = true
    this.#phase = phase.head
    this.#writeHead(x)
    // What came of the body with the head leaves with it.
    if (!x.head.hasBody) this.#output.flush()
    else if (hasWaited) sendKept(x)
  }

  get isReady(): boolean {
    return this.#phase === phase.head || this.#phase === phase.body
  }

  writeBody(bytes: Buffer, start: number, end: number): void {
    const x = this.#x
    if (x === null || start === end) return
    // The client did not wait for the endpoint's word.
    if (x.head.expectContinue && this.#phase === phase.head) this.#context.wheel.disarm(this.#timer)
    if (x.head.chunked) this.#output.chunk(bytes, start, end)
    else this.#output.bytes(bytes, start, end)
  }

  flush(): boolean {
    this.#output.flush()
    if (!this.#output.isBlocked) return true
    // An endpoint that takes no more bytes is as silent as one that does not answer.
    const x = this.#x
    if (x !== null && this.#phase === phase.head) this.#context.wheel.arm(this.#timer, settingsOf(x).headTimeoutMs)
    return false
  }

  endBody(trailers: string): void {
    const x = this.#x
    if (x === null) return
    if (x.head.chunked) this.#output.text(`0\r\n${trailers}\r\n`)
    if (this.#phase === phase.head) this.#context.wheel.arm(this.#timer, perTryOf(x))
  }

  downstreamDrained(): void {
    const x = this.#x
    if (x !== null && this.#phase === phase.body) this.#context.wheel.arm(this.#timer, settingsOf(x).idleTimeoutMs)
    this.#resume()
  }

  abandon(): void {
    this.#x = null
    this.#tunnel = null
    this.destroy()
  }

  destroy(): void {
    if (this.#phase === phase.connecting) this.#pool.connectEnded(this, false)
    this.#phase = phase.closed
    this.#context.wheel.remove(this.#timer)
    this.#socket.destroy()
  }

  bodySlice(bytes: Buffer, start: number, end: number): void {
    this.#x?.downstream.writeBody(bytes, start, end)
  }

  send(bytes: Buffer, start: number, end: number): boolean {
    this.#armTunnel()
    this.#output.bytes(bytes, start, end)
    this.#output.flush()
    return !this.#output.isBlocked
  }

  sendEnd(): void {
    this.#output.end()
  }

  resumeReading(): void {
    this.#resume()
  }

  #connected(): void {
    const x = this.#x
    if (x === null) return this.destroy()
    this.#context.wheel.disarm(this.#timer)
    this.#phase = phase.head
    this.#writeHead(x)
    if (x.head.hasBody) sendKept(x)
    else this.#output.flush()
    this.#pool.connectEnded(this, true)
  }

  #writeHead(x: Exchange): void {
    this.#output.text(requestHeadText(x, this.#endpoint, x.downstream.identity))
    if (!x.head.hasBody) this.#context.wheel.arm(this.#timer, perTryOf(x))
    // With Expect the client waits for the endpoint's word, so the endpoint's time runs already.
    else if (x.head.expectContinue && x.requestBytes === 0)
      this.#context.wheel.arm(this.#timer, settingsOf(x).headTimeoutMs)
  }

  /** @returns false to stop reading until the client has taken what came */
  #read(length: number): boolean {
    const { reads } = this.#context
    const { bytes, start } = reads
    const end = start + length
    this.#lastRead = length
    if (this.#phase === phase.tunnel) return this.#readTunnel(bytes, start, end)
    const x = this.#x
    if (x === null) {
      // Nothing was asked: a kept connection that speaks by itself can't be trusted with an exchange.
      this.#pool.forget(this)
      this.destroy()
      return true
    }
    this.#nowMs = performance.now()
    const at = this.#phase === phase.head ? this.#readHead(x, bytes, start, end) : start
    if (at !== -1 && this.#phase === phase.body && this.#x === x) this.#readBody(x, bytes, at, end)
    if (this.#x !== x || this.#phase !== phase.body) return true
    x.downstream.flush()
    if (x.downstream.isBlocked) {
      this.#context.wheel.disarm(this.#timer)
      this.#isReadPaused = true
      return false
    }
    this.#context.wheel.arm(this.#timer, settingsOf(x).idleTimeoutMs)
    return true
  }

  /** @returns where the body starts, or -1 when there is nothing more to do with these bytes */
  #readHead(x: Exchange, bytes: Buffer, start: number, end: number): number {
    let at = start
    for (;;) {
      at = this.#reader.take(bytes, at, end)
      if (at === -1) {
        if (this.#reader.isBroken) this.#fail('bad-response')
        return -1
      }
      if (this.#head.status >= 200) break
      if (!this.#interim(x, bytes, at, end) || at === end) return -1
    }
    this.#frame(x)
    if (this.#head.status >= 500 && mayDropAnswer(x, this.#head.status)) {
      this.#drop(x, end - at)
      return -1
    }
    this.#phase = phase.body
    attemptAnswered(x, this.#endpoint, this.#nowMs)
    x.downstream.writeHead(this.#head, this.#framing)
    return at
  }

  /** A 1xx response. @returns false when no further head is to be read from these bytes */
  #interim(x: Exchange, bytes: Buffer, at: number, end: number): boolean {
    const head = this.#head
    const isSwitch = head.status === 101
    if (isSwitch && switchesAsAsked(head, x.head.upgrade)) this.#startTunnel(x, bytes, at, end)
    else if (isSwitch || ++this.#interims > maxInterims) this.#fail('bad-response')
    if (this.#x !== x || this.#phase !== phase.head) return false
    if (head.status !== 100 || x.head.expectContinue) x.downstream.writeInterim(head)
    if (!x.requestDone && !this.#output.isBlocked) this.#context.wheel.disarm(this.#timer)
    return true
  }

  /** What follows the head. */
  #frame(x: Exchange): void {
    const head = this.#head
    this.#context.wheel.disarm(this.#timer)
    this.#framing = framingOf(head, x.head.method)
    this.#remaining = this.#framing === 'length' ? head.contentLength : 0
    if (head.chunked) this.#decoder.reset()
    else if (this.#framing === 'stream') head.keepAlive = false
  }

  /** Another endpoint may answer better. The connection is used again when all of this answer is there: more is not waited for. */
  #drop(x: Exchange, length: number): void {
    const { status } = this.#head
    this.#x = null
    this.#keep(x, this.#framing !== 'stream' && length === this.#remaining)
    answerDropped(x, this.#endpoint, status, this.#nowMs)
  }

  #readBody(x: Exchange, bytes: Buffer, at: number, end: number): void {
    if (this.#framing === 'none') return this.#complete(x, at < end)
    if (this.#framing === 'length') {
      const bodyEnd = Math.min(end, at + this.#remaining)
      if (bodyEnd > at) x.downstream.writeBody(bytes, at, bodyEnd)
      this.#remaining -= bodyEnd - at
      if (this.#remaining === 0) this.#complete(x, bodyEnd < end)
      return
    }
    if (!this.#head.chunked) {
      if (end > at) x.downstream.writeBody(bytes, at, end)
      return
    }
    const bodyEnd = this.#decoder.push(bytes, at, end, this)
    if (this.#decoder.isDone) this.#complete(x, bodyEnd < end)
    else if (this.#decoder.isBroken) this.#fail('reset-in-body')
  }

  /** @param hasMore bytes that nobody asked for follow: the connection is not used again */
  #complete(x: Exchange, hasMore: boolean): void {
    const head = this.#head
    this.#x = null
    this.#context.wheel.disarm(this.#timer)
    x.downstream.writeEnd(head.chunked ? this.#decoder.trailers : '')
    x.downstream.flush()
    this.#keep(x, !hasMore)
    attemptDone(x, this.#endpoint, this.#nowMs)
  }

  /** For the next exchange, if nothing of this one is left on either way. */
  #keep(x: Exchange, isClean: boolean): void {
    const { keepAlive, keepAliveMs } = this.#head
    if (isClean && keepAlive && x.requestDone && !this.#output.isWaiting) {
      this.#phase = phase.idle
      // Over TLS, records that were decrypted already come behind the one that reading was paused with.
      this.#resume()
      this.#pool.give(this, keepAliveMs, this.#nowMs)
    } else this.destroy()
  }

  #fail(failure: Failure): void {
    const x = this.#x
    const wasReused = this.#isReused && failure === 'reset-before-head'
    const hadLess = this.#hasQueued && failure === 'connect-timeout' && x !== null && this.#pool.hasTakenOthers(x)
    if (failure === 'connect-refused') this.#pool.refused()
    this.#x = null
    this.destroy()
    if (x !== null) attemptFailed(x, this.#endpoint, failure, wasReused, !wasReused && !hadLess)
  }

  /** The endpoint sent FIN, or the socket closed for whatever reason. */
  #ended(isClosed: boolean): void {
    if (this.#tunnel !== null) return this.#endTunnel(isClosed)
    const error = this.#connectError
    switch (this.#phase) {
      case phase.connecting:
        if (isClosed) this.#fail(failureOfConnectError(error, this.#pool.tls !== null))
        return
      case phase.head:
        return this.#fail(this.#reader.isEmpty && this.#interims === 0 ? 'reset-before-head' : 'bad-response')
      case phase.body:
        if (this.#x !== null && error === null && this.#framing === 'stream' && !this.#head.chunked) {
          this.#nowMs = performance.now()
          return this.#complete(this.#x, false)
        }
        return this.#fail('reset-in-body')
      case phase.idle:
        this.#pool.forget(this)
        return this.destroy()
      default:
    }
  }

  #timedOut(): void {
    switch (this.#phase) {
      case phase.connecting:
        return this.#fail('connect-timeout')
      case phase.head:
        return this.#fail('head-timeout')
      case phase.body:
        return this.#fail('idle-timeout')
      case phase.tunnel:
        return this.#endTunnel(true)
      default:
    }
  }

  /** The endpoint takes request bytes again. */
  #drained(): void {
    if (this.#tunnel !== null) return this.#tunnel.resumeReading()
    const x = this.#x
    if (x === null) return
    if (x.requestDone) {
      if (this.#phase === phase.head) this.#context.wheel.arm(this.#timer, perTryOf(x))
      return
    }
    if (this.#phase === phase.head) this.#context.wheel.disarm(this.#timer)
    x.downstream.resumeBody()
  }

  #resume(): void {
    if (!this.#isReadPaused) return
    this.#isReadPaused = false
    this.#socket.resume()
  }

  #startTunnel(x: Exchange, bytes: Buffer, at: number, end: number): void {
    attemptAnswered(x, this.#endpoint, this.#nowMs)
    this.#phase = phase.tunnel
    this.#tunnel = x.downstream.startTunnel(this.#head, this)
    this.#armTunnel()
    if (at < end) this.#readTunnel(bytes, at, end)
  }

  #readTunnel(bytes: Buffer, start: number, end: number): boolean {
    const tunnel = this.#tunnel
    if (tunnel === null) return true
    this.#armTunnel()
    if (this.#x !== null) this.#x.responseBytes += end - start
    if (tunnel.send(bytes, start, end)) return true
    this.#isReadPaused = true
    return false
  }

  /** FIN is passed on; a close or a timeout ends the exchange, and the client gets FIN behind what still waits for it. */
  #endTunnel(isClosed: boolean): void {
    if (!isClosed) return this.#tunnel?.sendEnd()
    const x = this.#x
    this.#tunnel = null
    this.#x = null
    this.destroy()
    if (x !== null) attemptDone(x, this.#endpoint, performance.now())
  }

  #armTunnel(): void {
    if (this.#x !== null) this.#context.wheel.arm(this.#timer, settingsOf(this.#x).idleTimeoutMs)
  }
}
