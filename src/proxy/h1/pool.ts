import { performance } from 'node:perf_hooks'
import type { Endpoint, EndpointPool } from '../../core/endpoint.ts'
import type { ClientTlsSettings } from '../../core/snapshot.ts'
import type { ProxyContext } from '../context.ts'
import type { Exchange } from '../exchange.ts'
import { attemptWithdrawn, mayGoElsewhere } from '../handle.ts'
import { UpstreamTls } from '../tls/upstream-tls.ts'
import { ConnectQueue } from './connect-queue.ts'
import { UpstreamConnection } from './upstream.ts'

/** How long a kept connection may wait for its next exchange, unless the upstream announced less. */
const idleMs = 4000
/** Taken off what the upstream announces, so that we let go before it does. */
const marginMs = 1000
/**
 * Connections of one thread to one endpoint that may be on their way at once. More than its accept queue holds (128 in many
 * runtimes, 50 in some) would be dropped, and tried again by TCP only after one second, three, seven.
 */
export const maxConnecting = 64

/** Connections of one data thread to one endpoint: the idle ones as a stack, so that the busiest stay warm and the rest age. */
export class Pool implements EndpointPool {
  readonly endpoint: Endpoint
  readonly context: ProxyContext
  /** Null = plain text. */
  readonly tls: UpstreamTls | null
  readonly #idle: UpstreamConnection[] = []
  /** Made when it is first needed. */
  #queue: ConnectQueue | null = null
  /** Connections on their way, and for whom. */
  readonly #connecting = new Map<UpstreamConnection, Exchange>()
  #isClosed = false
  /** It is in the context's `restingPools`. */
  #isResting = false

  /** @param tls for all its connections: other settings are another pool */
  constructor(context: ProxyContext, endpoint: Endpoint, tls: ClientTlsSettings | null = null) {
    this.context = context
    this.endpoint = endpoint
    this.tls = tls === null ? null : new UpstreamTls(tls, context.upstreamContexts, endpoint)
  }

  /** Carries `x` on a kept connection, on a new one, or once it is its turn to connect. */
  carry(x: Exchange): void {
    const connection = this.#connectionFor(x, x.attemptMs)
    if (connection === null) {
      this.#queue ??= new ConnectQueue(this.context.wheel, this.endpoint)
      this.#queue.push(x)
      return
    }
    x.upstream = connection
    // What came of the body while it waited for its place was kept.
    connection.start(x, x.ticket !== 0)
  }

  /** A connection stands, or never will. */
  connectEnded(connection: UpstreamConnection, stands: boolean): void {
    this.#connecting.delete(connection)
    if (this.#queue === null) return
    const nowMs = performance.now()
    if (stands) this.#queue.stoodMs = nowMs
    this.#serveQueue(this.#queue, nowMs)
  }

  /** See ConnectQueue. */
  hasTakenOthers(x: Exchange): boolean {
    return this.#queue !== null && this.#queue.hasTakenOthers(x)
  }

  /** The endpoint refuses connections; `connectEnded` follows. */
  refused(): void {
    this.#queue?.refuse()
  }

  /** An idle connection that is young enough, or null. */
  take(now: number): UpstreamConnection | null {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined) return null
      if (connection.idleUntilMs > now) return connection
      connection.destroy()
    }
  }

  /** @param announcedMs the upstream's `Keep-Alive: timeout`, -1 when it said nothing; @param nowMs of `performance.now()` */
  give(connection: UpstreamConnection, announcedMs: number, nowMs: number): void {
    const keepMs = announcedMs === -1 ? idleMs : Math.min(idleMs, announcedMs - marginMs)
    if (this.#isClosed || keepMs <= 0) {
      connection.destroy()
      return
    }
    connection.idleUntilMs = nowMs + keepMs
    this.#idle.push(connection)
    if (!this.#isResting) {
      this.#isResting = true
      this.context.restingPools.add(this)
    }
    if (this.#queue !== null) this.#serveQueue(this.#queue, nowMs)
  }

  /** An idle connection ended by itself. */
  forget(connection: UpstreamConnection): void {
    const at = this.#idle.indexOf(connection)
    if (at !== -1) this.#idle.splice(at, 1)
  }

  /** Closes what has been idle too long; called about once a second while it is among the resting. */
  sweep(nowMs: number): void {
    let kept = 0
    for (const connection of this.#idle) {
      if (connection.idleUntilMs > nowMs) this.#idle[kept++] = connection
      else connection.destroy()
    }
    this.#idle.length = kept
    if (kept > 0) return
    this.#isResting = false
    this.context.restingPools.delete(this)
  }

  close(isGone: boolean): void {
    this.#isClosed = true
    for (const connection of this.#idle.splice(0)) connection.destroy()
    if (!isGone) return
    // Those that wait for their turn first: it would come with the end of a connect.
    this.#queue?.withdraw()
    for (const [connection, x] of this.#connecting) {
      if (!mayGoElsewhere(x)) continue
      connection.abandon()
      attemptWithdrawn(x, this.endpoint)
    }
  }

  /** Null when as many are on their way as may be. */
  #connectionFor(x: Exchange, nowMs: number): UpstreamConnection | null {
    // A further attempt is on a connection of its own, lest it meets another kept one that its endpoint has closed.
    const kept = x.attempts === 1 ? this.take(nowMs) : null
    if (kept !== null || this.#connecting.size >= maxConnecting) return kept
    const connection = new UpstreamConnection(this)
    this.#connecting.set(connection, x)
    return connection
  }

  /** In order; a kept connection goes past those that may not have one. */
  #serveQueue(queue: ConnectQueue, nowMs: number): void {
    for (let turn = queue.first, behind = turn; turn !== null; turn = behind) {
      behind = turn.after
      const connection = this.#connectionFor(turn.x, nowMs)
      if (connection !== null) {
        const { leftMs } = turn
        queue.remove(turn)
        turn.x.upstream = connection
        connection.start(turn.x, true, leftMs)
      } else if (this.#idle.length === 0) return
    }
  }
}
