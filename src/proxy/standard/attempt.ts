import type { ClientRequest, IncomingMessage, InformationEvent } from 'node:http'
import type { Socket } from 'node:net'
import type { Endpoint } from '../../core/endpoint.ts'
import type { Failure } from '../../core/failure.ts'
import type { ServiceSettings } from '../../core/snapshot.ts'
import { WheelTimer } from '../../util/timer-wheel.ts'
import { framingOf } from '../body-framing.ts'
import type { Exchange, UpstreamAttempt } from '../exchange.ts'
import { answerDropped, attemptAnswered, attemptDone, attemptFailed, mayDropAnswer } from '../handle.ts'
import { filterTrailers } from '../h1/chunked.ts'
import { failureOfConnectError } from '../h1/connect-error.ts'
import { requestHeadText } from '../h1/request-writer.ts'
import { parseResponseHead, ResponseHead, switchesAsAsked } from '../h1/response-head.ts'
import { sendKept } from '../request-body.ts'
import { settingsOf } from '../settings-of.ts'
import { AttemptRequest } from './attempt-request.ts'
import { fieldLines, fieldPairs } from './field-lines.ts'
import { responseHeadText } from './head-text.ts'
import { writeOutgoingHead } from './outgoing-head.ts'
import { UpstreamTunnel } from './upstream-tunnel.ts'

const maxHeadFields = 500
/** Names and values of trailers: node:http leaves out, without a word, what comes behind so many. */
const maxTrailerTexts = 2000
/** Interim responses (1xx) before the final one. */
const maxInterims = 32

/** Where an attempt stands. */
const phase = { connecting: 0, head: 1, body: 2, tunnel: 3, closed: 4 } as const

/** The endpoint's side of one attempt, over the request and response of node:http that http-proxy made. */
export class StandardAttempt implements UpstreamAttempt {
  readonly request: AttemptRequest
  readonly #x: Exchange
  readonly #endpoint: Endpoint
  readonly #settings: ServiceSettings
  readonly #perTryMs: number | null
  readonly #timer: WheelTimer
  readonly #head = new ResponseHead()
  #outgoing: ClientRequest | null = null
  #incoming: IncomingMessage | null = null
  #tunnel: UpstreamTunnel | null = null
  #socket: Socket | null = null
  #phase: number = phase.connecting
  /** `socket.bytesRead` before this attempt: more since then are part of an answer. */
  #bytesBefore = 0
  #interims = 0
  /** The endpoint takes no more of the body for now. */
  #isBlocked = false

  constructor(x: Exchange, endpoint: Endpoint) {
    this.#x = x
    this.#endpoint = endpoint
    this.#settings = settingsOf(x)
    this.#perTryMs = x.route?.rule.retry.perTryMs ?? null
    this.#timer = new WheelTimer(() => this.#timedOut())
    this.request = new AttemptRequest(this, x.head.method, x.head.path)
  }

  get isReady(): boolean {
    return this.#phase === phase.head || this.#phase === phase.body
  }

  /** There is a connection for it, standing or on its way; nothing was sent yet. */
  begin(outgoing: ClientRequest, socket: Socket): void {
    this.#outgoing = outgoing
    if (this.#phase === phase.closed) return void outgoing.destroy()
    this.#socket = socket
    // node:http names no encoding for a head that goes out ahead of its body: UTF-8 would make two bytes of each above 0x7f.
    socket.setDefaultEncoding('latin1')
    this.#bytesBefore = socket.bytesRead
    writeOutgoingHead(outgoing, requestHeadText(this.#x, this.#endpoint, this.#x.downstream.identity))
    outgoing.on('information', (interim) => this.#interim(interim))
    if (this.#perTryMs !== null) outgoing.once('finish', () => this.#sent())
    outgoing.on('upgrade', (incoming, upgraded: Socket, early) => this.#switched(incoming, upgraded, early))
    if (outgoing.reusedSocket) return this.#connected()
    this.#arm(this.#settings.connectTimeoutMs)
    socket.once(this.#settings.tls === null ? 'connect' : 'secureConnect', () => this.#connected())
  }

  writeBody(bytes: Buffer, start: number, end: number): void {
    if (start === end || this.#phase === phase.closed) return
    // The client did not wait for the endpoint's word.
    if (this.#x.head.expectContinue && this.#phase === phase.head) this.#disarm()
    if (!this.request.push(bytes.subarray(start, end))) this.#isBlocked = true
  }

  flush(): boolean {
    if (!this.#isBlocked) return true
    // An endpoint that takes no more bytes is as silent as one that does not answer.
    if (this.#phase === phase.head) this.#arm(this.#settings.headTimeoutMs)
    return false
  }

  endBody(trailers: string): void {
    if (this.#phase === phase.closed) return
    if (trailers !== '') this.#outgoing?.addTrailers(fieldPairs(trailers))
    this.request.push(null)
    if (this.#phase === phase.head) this.#arm(this.#settings.headTimeoutMs)
  }

  /** http-proxy took what it was given of the body. */
  bodyTaken(): void {
    if (!this.#isBlocked) return
    this.#isBlocked = false
    if (this.#x.requestDone) return
    if (this.#phase === phase.head) this.#disarm()
    this.#x.downstream.resumeBody()
  }

  downstreamDrained(): void {
    if (this.#phase !== phase.body) return
    this.#arm(this.#settings.idleTimeoutMs)
    this.#incoming?.resume()
  }

  abandon(): void {
    this.#close()
    this.#tunnel?.destroy()
    this.#outgoing?.destroy()
    this.request.destroy()
  }

  answered(incoming: IncomingMessage): void {
    // Its errors are its end, which `close` tells as well.
    incoming.on('error', () => {})
    if (this.#phase !== phase.head) return void incoming.destroy()
    const head = this.#head
    if (!parseResponseHead(responseHeadText(incoming), maxHeadFields, head)) return this.#fail('bad-response')
    // node:http takes a 101 that names no protocol for an answer.
    if (head.status < 200) return this.#fail('bad-response')
    if (head.status >= 500 && mayDropAnswer(this.#x, head.status)) return this.#drop(incoming)
    this.#incoming = incoming
    this.#phase = phase.body
    this.#arm(this.#settings.idleTimeoutMs)
    const framing = framingOf(head, this.#x.head.method)
    attemptAnswered(this.#x, this.#endpoint, performance.now())
    this.#x.downstream.writeHead(head, framing)
    if (framing !== 'none') this.#x.downstream.flush()
    incoming.on('data', (bytes: Buffer) => this.#bodySlice(incoming, bytes))
    incoming.on('end', () => this.#complete(incoming))
    incoming.on('close', () => this.#fail('reset-in-body'))
  }

  /** Another endpoint may answer better. Without a body there is nothing to wait for before the connection is used again. */
  #drop(incoming: IncomingMessage): void {
    const { status, keepAlive } = this.#head
    if (framingOf(this.#head, this.#x.head.method) === 'none' && keepAlive && this.#x.requestDone) {
      this.#close()
      incoming.resume()
    } else this.abandon()
    answerDropped(this.#x, this.#endpoint, status, performance.now())
  }

  /** http-proxy could not send the request, or node:http could not read the answer. */
  failed(error: NodeJS.ErrnoException): void {
    switch (this.#phase) {
      case phase.connecting:
        return this.#fail(failureOfConnectError(error, this.#settings.tls !== null))
      case phase.head: {
        const hasBegun = this.#socket !== null && this.#socket.bytesRead > this.#bytesBefore
        return this.#fail(hasBegun ? 'bad-response' : 'reset-before-head')
      }
      case phase.body:
        // An error behind a whole answer is about what follows it; `end` is on its way.
        if (this.#incoming?.complete !== true) this.#fail('reset-in-body')
        return
      default:
    }
  }

  #connected(): void {
    if (this.#phase !== phase.connecting) return
    const x = this.#x
    this.#disarm()
    this.#phase = phase.head
    if (!x.head.hasBody) return this.endBody('')
    this.#outgoing?.flushHeaders()
    // With Expect the client waits for the endpoint's word, so the endpoint's time runs already.
    if (x.head.expectContinue && x.requestBytes === 0) this.#arm(this.#settings.headTimeoutMs)
    sendKept(x)
  }

  /** The request left whole: what http-proxy took may have waited for the endpoint until now. */
  #sent(): void {
    if (this.#phase === phase.head && this.#perTryMs !== null) this.#arm(this.#perTryMs)
  }

  #interim(interim: InformationEvent): void {
    if (this.#phase !== phase.head) return
    const { x, head } = { x: this.#x, head: this.#head }
    if (++this.#interims > maxInterims || !parseResponseHead(responseHeadText(interim), maxHeadFields, head))
      return this.#fail('bad-response')
    if (head.status !== 100 || x.head.expectContinue) x.downstream.writeInterim(head)
    if (!x.requestDone && !this.#isBlocked) this.#disarm()
  }

  #switched(incoming: IncomingMessage, socket: Socket, early: Buffer): void {
    socket.on('error', () => {})
    const head = this.#head
    if (this.#phase !== phase.head) return void socket.destroy()
    const isRead = parseResponseHead(responseHeadText(incoming), maxHeadFields, head)
    if (!isRead || !switchesAsAsked(head, this.#x.head.upgrade)) {
      socket.destroy()
      return this.#fail('bad-response')
    }
    this.#phase = phase.tunnel
    this.#disarm()
    attemptAnswered(this.#x, this.#endpoint, performance.now())
    this.#tunnel = new UpstreamTunnel(this.#x, socket, this.#settings.idleTimeoutMs, () => {
      this.#close()
      attemptDone(this.#x, this.#endpoint, performance.now())
    })
    this.#tunnel.start(head, early)
  }

  #bodySlice(incoming: IncomingMessage, bytes: Buffer): void {
    if (this.#phase !== phase.body) return
    const { downstream } = this.#x
    downstream.writeBody(bytes, 0, bytes.length)
    downstream.flush()
    if (!downstream.isBlocked) return this.#arm(this.#settings.idleTimeoutMs)
    this.#disarm()
    incoming.pause()
  }

  #complete(incoming: IncomingMessage): void {
    if (this.#phase !== phase.body) return
    const { rawTrailers } = incoming
    const trailers = rawTrailers.length < maxTrailerTexts ? filterTrailers(fieldLines(rawTrailers).slice(0, -2)) : null
    if (!incoming.complete || trailers === null) {
      // Its agent may have it back already.
      this.#socket?.destroy()
      return this.#fail('reset-in-body')
    }
    this.#close()
    // An answer ahead of the end of its request: the connection is not used again.
    if (!this.#x.requestDone || !this.#head.keepAlive) this.#outgoing?.destroy()
    this.#x.downstream.writeEnd(trailers)
    this.#x.downstream.flush()
    attemptDone(this.#x, this.#endpoint, performance.now())
  }

  #fail(failure: Failure): void {
    if (this.#phase === phase.closed || this.#phase === phase.tunnel) return
    const wasReused = failure === 'reset-before-head' && this.#outgoing?.reusedSocket === true
    this.abandon()
    attemptFailed(this.#x, this.#endpoint, failure, wasReused)
  }

  #timedOut(): void {
    if (this.#phase === phase.connecting) this.#fail('connect-timeout')
    else this.#fail(this.#phase === phase.head ? 'head-timeout' : 'idle-timeout')
  }

  #arm(ms: number): void {
    this.#x.context.wheel.arm(this.#timer, ms)
  }

  /** A bucket of the wheel would hold it, and all that it holds, until it comes round. */
  #close(): void {
    this.#phase = phase.closed
    this.#x.context.wheel.remove(this.#timer)
  }

  #disarm(): void {
    this.#x.context.wheel.disarm(this.#timer)
  }
}
