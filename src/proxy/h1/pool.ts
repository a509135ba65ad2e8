import type { Endpoint, EndpointPool } from '../../core/endpoint.ts'
import type { UpstreamTlsSettings } from '../../core/snapshot.ts'
import type { ProxyContext } from '../context.ts'
import { UpstreamTls } from '../tls/upstream-tls.ts'
import type { UpstreamConnection } from './upstream.ts'

/** How long a kept connection may wait for its next exchange, unless the upstream announced less. */
const idleMs = 4000
/** Taken off what the upstream announces, so that we let go before it does. */
const marginMs = 1000

/** Connections of one data thread to one endpoint: the idle ones as a stack, so that the busiest stay warm and the rest age. */
export class Pool implements EndpointPool {
  readonly endpoint: Endpoint
  readonly context: ProxyContext
  /** Null = plain text. */
  readonly tls: UpstreamTls | null
  readonly #idle: UpstreamConnection[] = []
  #isClosed = false

  /** @param tls for all its connections: other settings are another pool */
  constructor(context: ProxyContext, endpoint: Endpoint, tls: UpstreamTlsSettings | null = null) {
    this.context = context
    this.endpoint = endpoint
    this.tls = tls === null ? null : new UpstreamTls(tls, context.upstreamContexts, endpoint)
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
  }

  /** An idle connection ended by itself. */
  forget(connection: UpstreamConnection): void {
    const at = this.#idle.indexOf(connection)
    if (at !== -1) this.#idle.splice(at, 1)
  }

  /** Closes what has been idle too long; called about once a second. */
  sweep(now: number): void {
    let kept = 0
    for (const connection of this.#idle) {
      if (connection.idleUntilMs > now) this.#idle[kept++] = connection
      else connection.destroy()
    }
    this.#idle.length = kept
  }

  close(): void {
    this.#isClosed = true
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }
}
