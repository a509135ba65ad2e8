import type { Endpoint } from '../core/endpoint.ts'
import type { Ledger } from '../core/ledger.ts'
import type { ThreadMeter, RouteMeter } from '../core/meter.ts'
import type { ConnectMiddleware } from '../core/middleware.ts'
import type { MatchInput, RouteRule } from '../core/route.ts'
import type { Service } from '../core/service.ts'
import type { SettledExchange } from '../core/exchange.ts'
import type { Random } from '../util/random.ts'
import type { TimerWheel } from '../util/timer-wheel.ts'
import type { Admission } from './admission.ts'
import type { Exchange } from './exchange.ts'
import { ReadBuffer, smallReadBytes } from './h1/read-buffer.ts'
import { Slabs } from './h1/slabs.ts'
import type { RouteGate } from './route-gate.ts'
import { SpareWriteRequest } from './h1/write-request.ts'
import { UpstreamContexts } from './tls/upstream-contexts.ts'

/** A route with everything a request needs of it, assembled once per snapshot. */
export interface ProxyRoute {
  readonly rule: RouteRule
  readonly service: Service
  readonly meter: RouteMeter
  /** Null where the service has no limits. */
  readonly admission: Admission | null
  /** Null where all clients are let through to the service. */
  readonly gate: RouteGate | null
  /** Characters to cut off the front of the path, then text to put in front. */
  readonly cut: number
  readonly put: string
}

/** The routes in force. Replaced whole; an exchange under way keeps the route it was given. */
export interface Routing {
  match(input: MatchInput): ProxyRoute | null
}

/** Sends one attempt of an exchange to one endpoint, and reports to `attemptDone` or `attemptFailed` exactly once. */
export interface Forwarder {
  forward(x: Exchange, endpoint: Endpoint): void
}

export interface RestingPool {
  /** Closes what has been idle too long. @param nowMs of `performance.now()` */
  sweep(nowMs: number): void
}

export interface ProxyOptions {
  readonly wheel: TimerWheel
  readonly random: Random
  readonly meter: ThreadMeter
  readonly ledger: Ledger
  /** This thread's in the Ledger. */
  readonly column: number
  /** What requests pass before they are routed, in this order; served by the standard engine only. */
  readonly middlewares: readonly ConnectMiddleware[]
}

/** Of one thread, kept because the other ends did not take it at once. */
const manyWaitingBytes = 4 * 1024 * 1024

/** As much as one read brings, and framing. */
const gatherBytes = 320 * 1024

/** What all connections of one data thread share. */
export class ProxyContext {
  readonly wheel: TimerWheel
  readonly random: Random
  readonly meter: ThreadMeter
  readonly ledger: Ledger
  readonly column: number
  readonly middlewares: readonly ConnectMiddleware[]
  routing: Routing = { match: () => null }
  readonly reads = new ReadBuffer()
  /** For gathering what a single write sends; given back before the next event. */
  readonly gatherSlabs = new Slabs(gatherBytes, 4)
  /** For what slow clients did not take yet: fresh buffers would be freed by the collector only, long after they took it. */
  readonly waitingSlabs = new Slabs(smallReadBytes, 256)
  readonly writeRequests: SpareWriteRequest | null = SpareWriteRequest.find()
  /** Copied because the other end did not take them at once, over all connections. */
  waitingBytes = 0
  /** Called for every settled exchange; null = no access log. */
  accessLog: ((exchange: SettledExchange) => void) | null = null
  readonly upstreamContexts = new UpstreamContexts()
  /** Those that have idle connections, or had some a moment ago: few of all endpoints there are. */
  readonly restingPools = new Set<RestingPool>()
  /** What keys of session tickets are made of; null until the control plane has said it. */
  ticketSecret: Uint8Array | null = null
  /** Used again for every pick that has to pass over full endpoints. */
  readonly passedOver: Endpoint[] = []
  /** True while this thread has too little memory for new exchanges. */
  isShedding = false
  /** True from the drain message on: every answer closes its connection. */
  draining = false
  readonly #idPrefix: string
  #idCount = 0

  constructor(options: ProxyOptions) {
    this.wheel = options.wheel
    this.random = options.random
    this.meter = options.meter
    this.ledger = options.ledger
    this.column = options.column
    this.middlewares = options.middlewares
    this.#idPrefix = crypto.randomUUID().slice(0, 13).replace('-', '')
  }

  /**
   * What the next bytes of an answer are read into: much at once only of an answer that is long, and while little has to be kept for
   * slow clients.
   *
   * @param length that the last read brought
   */
  nextView(length: number): Buffer {
    const isLong = length >= smallReadBytes
    return isLong && this.waitingBytes < manyWaitingBytes ? this.reads.whole : this.reads.part
  }

  /** A request id that no other thread or process makes. */
  makeRequestId(): string {
    return `${this.#idPrefix}-${(this.#idCount++).toString(36)}`
  }
}
