import type { Duplex } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Endpoint } from '../../core/endpoint.ts'
import type { Failure } from '../../core/failure.ts'
import type { Exchange, UpstreamAttempt } from '../../proxy/exchange.ts'
import { failureOfConnectError } from '../../proxy/h1/connect-error.ts'
import { answerDropped, attemptAnswered, attemptDone, attemptFailed, mayDropAnswer } from '../../proxy/handle.ts'
import { settingsOf } from '../../proxy/settings-of.ts'
import type { ClientCall } from './client-call.ts'
import { dispatcherOf, wasUsedBefore } from './endpoint-dispatcher.ts'

type Controller = Dispatcher.DispatchController
type Fields = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2]

const phase = { connecting: 0, head: 1, body: 2, over: 3 } as const

/** One attempt at one endpoint: a request of undici's, told to the proxy's own code as an engine tells its attempts. */
export class ClientAttempt implements UpstreamAttempt, Dispatcher.DispatchHandler {
  readonly #call: ClientCall
  readonly #x: Exchange
  readonly #endpoint: Endpoint
  #controller: Controller | null = null
  #phase: number = phase.connecting

  constructor(call: ClientCall, x: Exchange, endpoint: Endpoint) {
    this.#call = call
    this.#x = x
    this.#endpoint = endpoint
  }

  send(body: unknown): void {
    const settings = settingsOf(this.#x)
    const { origin: _, ...options } = this.#call.options
    dispatcherOf(this.#endpoint, settings).dispatch(
      {
        ...options,
        body: body as NonNullable<Dispatcher.DispatchOptions['body']>,
        headersTimeout: options.headersTimeout ?? settings.headTimeoutMs,
        bodyTimeout: options.bodyTimeout ?? settings.idleTimeoutMs,
      },
      this,
    )
  }

  pause(): void {
    this.#controller?.pause()
  }

  resume(): void {
    this.#controller?.resume()
  }

  onRequestStart(controller: Controller): void {
    if (this.#phase === phase.over) return controller.abort(new Error('given up'))
    this.#controller = controller
    this.#phase = phase.head
  }

  onResponseStart(_: Controller, status: number, fields: Fields, message?: string): void {
    if (this.#phase !== phase.head || status < 200) return
    this.#call.noteBody()
    if (status >= 500 && mayDropAnswer(this.#x, status)) {
      this.abandon()
      return answerDropped(this.#x, this.#endpoint, status, performance.now())
    }
    this.#phase = phase.body
    attemptAnswered(this.#x, this.#endpoint, performance.now())
    this.#call.responseStarted(status, fields, message)
  }

  onResponseData(_: Controller, chunk: Buffer): void {
    if (this.#phase === phase.body) this.#call.responseData(chunk)
  }

  onResponseEnd(_: Controller, trailers: Fields): void {
    if (this.#phase !== phase.body) return
    this.#phase = phase.over
    attemptDone(this.#x, this.#endpoint, performance.now())
    this.#call.responseEnded(trailers)
  }

  onRequestUpgrade(_: Controller, status: number, fields: Fields, socket: Duplex): void {
    this.#phase = phase.over
    attemptAnswered(this.#x, this.#endpoint, performance.now())
    this.#call.upgraded(status, fields, socket)
    attemptDone(this.#x, this.#endpoint, performance.now())
  }

  onResponseError(_: Controller, error: Error): void {
    if (this.#phase === phase.over) return
    const failure = this.#failureOf(error)
    const wasReused = failure === 'reset-before-head' && wasUsedBefore(error)
    this.#phase = phase.over
    this.#call.attemptBroke(error)
    // Its own stream broke, or it asked for what can't be sent: no endpoint did anything wrong.
    const own = this.#call.bodyError ?? (isCallersFault(error) ? error : null)
    if (own !== null) return this.#call.end(own)
    attemptFailed(this.#x, this.#endpoint, failure, wasReused)
  }

  abandon(): void {
    this.#phase = phase.over
    this.#controller?.abort(new Error('given up'))
  }

  // undici takes the body from the call itself, and gives the answer to it.

  get isReady(): boolean {
    return false
  }

  writeBody(): void {}
  endBody(): void {}
  downstreamDrained(): void {}

  flush(): boolean {
    return true
  }

  #failureOf(error: NodeJS.ErrnoException): Failure {
    if (this.#phase === phase.connecting) {
      return error.code === 'UND_ERR_CONNECT_TIMEOUT'
        ? 'connect-timeout'
        : failureOfConnectError(error, settingsOf(this.#x).tls !== null)
    }
    if (this.#phase === phase.body) return error.code === 'UND_ERR_BODY_TIMEOUT' ? 'idle-timeout' : 'reset-in-body'
    if (error.code === 'UND_ERR_HEADERS_TIMEOUT') return 'head-timeout'
    const isReset = error.code === 'UND_ERR_SOCKET' || error.code === 'ECONNRESET' || error.code === 'EPIPE'
    return isReset ? 'reset-before-head' : 'bad-response'
  }
}

/** Requests that undici does not send, or breaks off, for what is wrong with them. */
const callersFaults = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'])

function isCallersFault({ code }: NodeJS.ErrnoException): boolean {
  return code !== undefined && callersFaults.has(code)
}
