import type { Endpoint } from '../core/endpoint.ts'
import type { LoggedFields, SettledExchange } from '../core/exchange.ts'
import type { Failure } from '../core/failure.ts'
import type { ListenerSettings } from '../core/snapshot.ts'
import { WheelTimer } from '../util/timer-wheel.ts'
import type { Admission } from './admission.ts'
import type { ClientIdentity } from './client-identity.ts'
import type { Forwarder, ProxyContext, ProxyRoute } from './context.ts'
import type { RequestHead } from './h1/request-head.ts'
import type { ResponseHead } from './h1/response-head.ts'

/** How much body follows a response head: none, as much as Content-Length says, or until `writeEnd`. */
export type BodyFraming = 'none' | 'length' | 'stream'

/** The client's side of an exchange, as the forwarder sees it. Calls after the exchange is settled do nothing. */
export interface Downstream {
  readonly identity: ClientIdentity
  /** A response of 100 to 199 other than 101. */
  writeInterim(head: ResponseHead): void
  writeHead(head: ResponseHead, framing: BodyFraming): void
  /** `bytes` may be overwritten after the next `flush`, and those in front of `start` by it. */
  writeBody(bytes: Buffer, start: number, end: number): void
  /** The response is complete. @param trailers lines with CRLF */
  writeEnd(trailers: string): void
  /** Sends what was written. */
  flush(): void
  /** True while the client takes its bytes more slowly than they come; `drained` is reported to the upstream side. */
  readonly isBlocked: boolean
  /** Ends the answer so that the client sees that it is incomplete. */
  cut(): void
  /** Answers with the gateway's own problem document. */
  writeProblem(failure: Failure): void
  /** Stops or restarts reading the request body. */
  pauseBody(): void
  resumeBody(): void
  /** Turns the connection into a raw byte stream towards `upstream`, after a 101. */
  startTunnel(head: ResponseHead, upstream: TunnelEnd): TunnelEnd
  /** The exchange is settled: the connection goes on to the next request, or closes. */
  settled(): void
}

/** One end of a tunnel. Bytes that come in at one end are sent at the other. */
export interface TunnelEnd {
  /**
   * @param bytes may be overwritten after the call
   * @returns false when this end takes no more for now; the other end's `resumeReading` is called later
   */
  send(bytes: Buffer, start: number, end: number): boolean
  /** Nothing more will be sent to this end. */
  sendEnd(): void
  /** The other end takes bytes again. */
  resumeReading(): void
}

/** The endpoint's side of an exchange: one attempt. */
export interface UpstreamAttempt {
  /** True once body bytes may be written. */
  readonly isReady: boolean
  /** `bytes` may be overwritten after the next `flush`, and those in front of `start` by it. */
  writeBody(bytes: Buffer, start: number, end: number): void
  /** The request is complete. @param trailers lines with CRLF */
  endBody(trailers: string): void
  /**
   * Sends what was written.
   *
   * @returns false when the endpoint takes no more for now; the downstream's `resumeBody` is called later
   */
  flush(): boolean
  /** The client takes bytes again. */
  downstreamDrained(): void
  /** Gives the attempt up: the connection is destroyed, never reused. */
  abandon(): void
}

/** What an exchange needs of the listener that it came in by. */
export interface Entrance {
  readonly name: string
  readonly context: ProxyContext
  readonly forwarder: Forwarder
  readonly settings: Pick<ListenerSettings, 'redirectToHttps'>
}

/** Body bytes kept for another attempt; beyond it, the exchange can't be repeated. */
export const maxKeptBytes = 64 * 1024

/**
 * One request and its response on their way through. Kept by its downstream connection and used again; every field is
 * set in `begin`, so that the object keeps its shape.
 */
export class Exchange implements SettledExchange {
  readonly context: ProxyContext
  readonly forwarder: Forwarder
  readonly downstream: Downstream
  readonly listener: string
  /** Live: its settings are replaced by a reload. */
  readonly entrance: Entrance
  readonly head: RequestHead
  /** Runs for all attempts together. */
  readonly totalTimer: WheelTimer
  /** Runs between attempts; null until the first back-off. */
  backoffTimer: WheelTimer | null = null

  requestId = ''
  clientAddress = ''
  route: ProxyRoute | null = null
  endpoint: Endpoint | null = null
  upstream: UpstreamAttempt | null = null
  attempts = 0
  tried: Endpoint[] | null = null
  /** Status of the response head sent downstream; 0 before. */
  status = 0
  /** A response of 100 to 199 was sent downstream. */
  hasInterim = false
  failure: Failure | null = null
  requestBytes = 0
  responseBytes = 0
  startedMs = 0
  /** When the attempt under way began, or the wait for its endpoint. */
  attemptMs = 0
  durationMs = 0
  logged: LoggedFields | null = null
  isSettled = true
  /** The whole request, trailers included, was received. */
  requestDone = false
  requestTrailers = ''
  /** Body bytes for another attempt, or for the connection under way; null once they can't be repeated. */
  kept: Buffer[] | null = null
  keptBytes = 0
  /** True when the attempt under way is a retry, whose end is counted. */
  isRetry = false
  /** Attempts that followed one whose bytes may have been seen, stale connections apart. */
  resent = 0
  /** Where it holds or waits for a place among a service's exchanges; null where there is no limit. */
  admission: Admission | null = null
  /** See `place`. */
  place = 0
  /** Order among those that wait; 0 = has not waited. */
  ticket = 0
  /** @internal Those that wait before and after it. */
  waitsBehind: Exchange | null = null
  waitsBefore: Exchange | null = null

  constructor(listener: Entrance, downstream: Downstream, head: RequestHead, totalTimeout: (x: Exchange) => void) {
    this.context = listener.context
    this.forwarder = listener.forwarder
    this.downstream = downstream
    this.listener = listener.name
    this.entrance = listener
    this.head = head
    this.totalTimer = new WheelTimer(() => totalTimeout(this))
  }

  begin(startedMs: number): void {
    if (!this.head.isRepeated) this.logged = null
    this.requestId = ''
    this.route = null
    this.endpoint = null
    this.upstream = null
    this.attempts = 0
    this.tried = null
    this.status = 0
    this.hasInterim = false
    this.failure = null
    this.requestBytes = 0
    this.responseBytes = 0
    this.startedMs = startedMs
    this.attemptMs = 0
    this.durationMs = 0
    this.isSettled = false
    this.requestDone = false
    this.requestTrailers = ''
    this.kept = null
    this.keptBytes = 0
    this.isRetry = false
    this.resent = 0
    this.admission = null
    this.place = 0
    this.ticket = 0
  }

  get method(): string {
    return this.head.method
  }

  get host(): string {
    return this.head.host
  }

  /** What routes are matched with: `OPTIONS *` asks about the whole host, so it goes where `/` goes. */
  get path(): string {
    return this.head.path === '*' ? '/' : this.head.path
  }

  get url(): string {
    return this.head.path + this.head.query
  }

  get routeId(): string | null {
    return this.route === null ? null : this.route.rule.id
  }

  get serviceName(): string | null {
    return this.route === null ? null : this.route.service.name
  }

  header(name: string): string | null {
    return this.head.fields.get(name)
  }
}
