import type { Dispatcher } from 'undici'
import type { Duplex } from 'node:stream'
import { failures, type Failure } from '../../core/failure.ts'
import { RequestHead } from '../../proxy/h1/request-head.ts'
import { type Downstream, type Entrance, Exchange } from '../../proxy/exchange.ts'
import type { Forwarder } from '../../proxy/context.ts'
import type { ClientIdentity } from '../../proxy/client-identity.ts'
import { handle, requestReceived, totalTimeout } from '../../proxy/handle.ts'
import { fail } from '../../proxy/settle.ts'
import type { BalancedService } from './balanced-service.ts'
import { ClientAttempt } from './client-attempt.ts'
import { ClientError } from './client-error.ts'
import { isStreamed, takeBody, type RequestBody } from './request-body.ts'

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
  #body: RequestBody = { source: null, isRepeatable: true, error: null }
  #attempt: ClientAttempt | null = null
  #isPaused = false
  #isStarted = false
  /** What the last attempt's connection said, for the caller's error. */
  #cause: unknown = null
  #reason: Error | null = null

  constructor(service: BalancedService, options: Dispatcher.DispatchOptions, handler: Handler) {
    this.#service = service
    this.options = options
    this.#handler = handler
    const entrance: Entrance = {
      name: 'client',
      context: service.context,
      forwarder: clientForwarder,
      settings: { redirectToHttps: null },
    }
    this.#x = new Exchange(entrance, this, headOf(options), totalTimeout)
  }

  /** Never throws: what goes wrong is told to the handler. */
  start(): void {
    const { body } = this.options
    if (this.#service.isKnown && !isStreamed(body)) {
      this.#body = {
        source: body ?? null,
        isRepeatable: typeof body !== 'object' || body === null || body instanceof Uint8Array,
        error: null,
      }
      return this.#begin()
    }
    void this.#prepare()
  }

  async #prepare(): Promise<void> {
    try {
      await this.#service.ready
      this.#body = await takeBody(this.options.body, () => this.#sent())
    } catch (error) {
      this.#isStarted = true
      this.#handler.onRequestStart?.(this, {})
      return this.#handler.onResponseError?.(this, error instanceof Error ? error : new Error(String(error)))
    }
    this.#begin()
  }

  #begin(): void {
    const x = this.#x
    x.begin(performance.now())
    this.#isStarted = true
    // Not from within the caller's own call of `dispatch` by another name: it may abort at once.
    this.#handler.onRequestStart?.(this, {})
    if (this.#reason !== null) return this.#handler.onResponseError?.(this, this.#reason)
    x.requestDone = this.#body.isRepeatable
    this.#noteBody()
    handle(x)
  }

  attempt(endpoint: NonNullable<Exchange['endpoint']>): void {
    const attempt = new ClientAttempt(this, this.#x, endpoint)
    this.#attempt = attempt
    this.#x.upstream = attempt
    attempt.send(this.#body.source)
  }

  /** Told before an attempt is judged: whether the body could be sent again by now. */
  attemptBroke(error: unknown): void {
    this.#cause = error
    this.#noteBody()
  }

  /** Why the caller's own stream broke; null = it did not. */
  get bodyError(): unknown {
    return this.#body.error
  }

  responseStarted(status: number, fields: ResponseFields, message: string | undefined): void {
    this.#x.status = status
    this.#handler.onResponseStart?.(this, status, fields, message)
  }

  responseData(chunk: Buffer): void {
    this.#x.responseBytes += chunk.length
    this.#handler.onResponseData?.(this, chunk)
  }

  responseEnded(trailers: ResponseFields): void {
    this.#handler.onResponseEnd?.(this, trailers)
  }

  upgraded(status: number, fields: ResponseFields, socket: Duplex): void {
    this.#x.status = status
    this.#handler.onRequestUpgrade?.(this, status, fields, socket)
  }

  // What the caller may do with the call.

  get aborted(): boolean {
    return this.#reason !== null
  }

  get reason(): Error | null {
    return this.#reason
  }

  get paused(): boolean {
    return this.#isPaused
  }

  abort(reason: Error): void {
    if (this.#reason !== null) return
    this.#reason = reason
    // Before it began there is nothing to end: `begin` looks.
    if (this.#isStarted && !this.#x.isSettled) fail(this.#x, 'client-abort')
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
    const { endpoint, serviceName } = this.#x
    const address = endpoint === null ? null : `${endpoint.host}:${endpoint.port}`
    const own = this.#reason ?? (failures[failure].blame === 'client' ? asError(this.#cause) : null)
    this.#handler.onResponseError?.(this, own ?? new ClientError(failure, serviceName ?? '', address, this.#cause))
  }

  #sent(): void {
    if (!this.#x.requestDone) requestReceived(this.#x)
  }

  /** The proxy repeats only what it has kept, or what has no byte. */
  #noteBody(): void {
    this.#x.requestBytes = this.#body.isRepeatable ? 0 : 1
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

function asError(cause: unknown): Error | null {
  return cause instanceof Error ? cause : null
}
