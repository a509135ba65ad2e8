import { type Dispatcher, errors } from 'undici'
import type { Duplex } from 'node:stream'
import type { Failure } from '../../core/failure.ts'
import { RequestHead } from '../../proxy/h1/request-head.ts'
import { type Downstream, type Entrance, Exchange } from '../../proxy/exchange.ts'
import type { Forwarder } from '../../proxy/context.ts'
import type { ClientIdentity } from '../../proxy/client-identity.ts'
import { handle, requestReceived, totalTimeout } from '../../proxy/handle.ts'
import { fail } from '../../proxy/settle.ts'
import type { BalancedService } from './balanced-service.ts'
import { ClientAttempt } from './client-attempt.ts'
import { ClientError } from './client-error.ts'
import { bodyOf, type RequestBody } from './request-body.ts'

type Controller = Dispatcher.DispatchController
type Handler = Dispatcher.DispatchHandler
type ResponseFields = Parameters<NonNullable<Handler['onResponseStart']>>[2]

/** Each attempt is made by the call that it belongs to. */
export const clientForwarder: Forwarder = {
  forward: (x, endpoint) => (x.downstream as ClientCall).attempt(endpoint),
}

/**
 * One call of this process, as an exchange of the proxy: its downstream is undici's handler of the caller, its attempts are undici's
 * requests. Which endpoint, whether once more, and when it is too late is decided by the proxy's own code.
 */
export class ClientCall implements Downstream, Controller {
  readonly options: Dispatcher.DispatchOptions
  readonly #service: BalancedService
  readonly #handler: Handler
  readonly #x: Exchange
  readonly #body: RequestBody
  #attempt: ClientAttempt | null = null
  #isPaused = false
  #isAborted = false
  /** What the last attempt's connection said, for the caller's error. */
  #cause: unknown = null
  #reason: Error | null = null

  constructor(service: BalancedService, options: Dispatcher.DispatchOptions, handler: Handler) {
    this.#service = service
    this.options = options
    this.#handler = handler
    this.#body = bodyOf(options.body, () => this.#sent())
    const entrance: Entrance = {
      name: 'client',
      context: service.context,
      forwarder: clientForwarder,
      settings: { redirectToHttps: null },
    }
    this.#x = new Exchange(entrance, this, headOf(options), totalTimeout)
  }

  /** What goes wrong is told to the handler. */
  start(): void {
    const x = this.#x
    x.begin(performance.now())
    // It may abort at once.
    this.#handler.onRequestStart?.(this, {})
    if (x.isSettled) return
    this.#service.began(this)
    if (this.#service.isClosed) return fail(x, 'draining')
    if (this.#service.isKnown) return this.#go()
    // As long as for an answer; then nobody is known who could give one.
    x.failure = 'no-endpoint'
    x.context.wheel.arm(x.totalTimer, this.#service.route.rule.timeoutMs)
    void this.#service.ready.then(() => this.#go())
  }

  #go(): void {
    const x = this.#x
    if (x.isSettled) return
    x.context.wheel.disarm(x.totalTimer)
    x.begin(performance.now())
    x.requestDone = !this.#body.isStreamed
    this.noteBody()
    handle(x)
  }

  attempt(endpoint: NonNullable<Exchange['endpoint']>): void {
    const attempt = new ClientAttempt(this, this.#x, endpoint)
    this.#attempt = attempt
    this.#x.upstream = attempt
    attempt.send(this.#body.source)
  }

  /** Told before an attempt is judged. */
  attemptBroke(error: unknown): void {
    this.#cause = error
    this.noteBody()
  }

  /** Whether the body could be sent again by now: the proxy repeats only what it has kept, or what has no byte. */
  noteBody(): void {
    this.#x.requestBytes = this.#body.isRepeatable ? 0 : 1
  }

  /** Why the caller's own stream broke; null = it did not. */
  get bodyError(): Error | null {
    return this.#body.error
  }

  // A handler may throw: undici then tells it of its error, on which its own retries rely.

  responseStarted(status: number, fields: ResponseFields, message: string | undefined): void {
    this.#x.status = status
    try {
      this.#handler.onResponseStart?.(this, status, fields, message)
    } catch (error) {
      this.end(asError(error))
    }
  }

  responseData(chunk: Buffer): void {
    this.#x.responseBytes += chunk.length
    try {
      this.#handler.onResponseData?.(this, chunk)
    } catch (error) {
      this.end(asError(error))
    }
  }

  responseEnded(trailers: ResponseFields): void {
    try {
      this.#handler.onResponseEnd?.(this, trailers)
    } catch (error) {
      this.#handler.onResponseError?.(this, asError(error))
    }
  }

  /** For a reason of the caller's own. */
  end(reason: Error): void {
    if (this.#x.isSettled) return
    this.#reason = reason
    fail(this.#x, 'client-abort')
  }

  upgraded(status: number, fields: ResponseFields, socket: Duplex): void {
    this.#x.status = status
    this.#handler.onRequestUpgrade?.(this, status, fields, socket)
  }

  // What the caller may do with the call.

  get aborted(): boolean {
    return this.#isAborted
  }

  get reason(): Error | null {
    return this.#isAborted ? this.#reason : null
  }

  get paused(): boolean {
    return this.#isPaused
  }

  abort(reason: Error): void {
    if (this.#x.isSettled) return
    this.#isAborted = true
    // Some of undici's own abort without one.
    this.end(reason ?? new errors.RequestAbortedError())
  }

  pause(): void {
    this.#isPaused = true
    this.#attempt?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#attempt?.resume()
  }

  // What the proxy does with its downstream.

  get identity(): ClientIdentity {
    throw new Error('a call of this process comes from no connection')
  }

  get isBlocked(): boolean {
    return this.#isPaused
  }

  writeProblem(failure: Failure): void {
    this.#fail(failure)
  }

  cut(): void {
    this.#fail(this.#x.failure ?? 'reset-in-body')
  }

  settled(): void {
    this.#attempt = null
    this.#body.release()
    this.#service.ended(this)
  }

  // The answer does not pass through these: undici hands it to the caller as it is.

  writeInterim(): void {}
  writeHead(): void {}
  writeBody(): void {}
  writeEnd(): void {}
  flush(): void {}
  pauseBody(): void {}
  resumeBody(): void {}

  startTunnel(): never {
    throw new Error('undici hands a tunnel to the caller itself')
  }

  #fail(failure: Failure): void {
    const { endpoint } = this.#x
    const { name } = this.#service.route.service
    const address = endpoint === null ? null : `${endpoint.host}:${endpoint.port}`
    this.#handler.onResponseError?.(this, this.#reason ?? new ClientError(failure, name, address, this.#cause))
  }

  #sent(): void {
    if (!this.#x.requestDone) requestReceived(this.#x)
  }
}

function headOf({ method, path }: Dispatcher.DispatchOptions): RequestHead {
  const head = new RequestHead()
  head.clear()
  head.method = method
  const query = path.indexOf('?')
  head.path = query === -1 ? path : path.slice(0, query)
  head.query = query === -1 ? '' : path.slice(query)
  return head
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
