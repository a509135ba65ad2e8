import type { Certificate } from './certificates.ts'
import type { Running } from './processes.ts'

/** What a proxy is asked to do; the same for all of them. */
export interface Work {
  /** `127.0.0.1:port` it listens on. */
  readonly port: number
  /** Prefix of each route; a single empty one takes every path. Each route balances over all origins. */
  readonly prefixes: readonly string[]
  /** `host:port` each. */
  readonly origins: readonly string[]
  /** That many serve clients, where the proxy can have a number of them. */
  readonly threads: number
  /** Clients' connections at a time. */
  readonly connections: number
  /** A client's connection that is idle for so long may be closed. */
  readonly idleSeconds: number
  /** With this certificate, TLS 1.2 or later, session tickets as they are by default; null: plain TCP. */
  readonly tls: Certificate | null
  /** One line per request, into a file of `directory`. */
  readonly accessLog: boolean
  /** Of its own, for configuration, logs and temporary files. */
  readonly directory: string
}

/** Starts a process on the proxies' CPU, in the work's directory; its output goes to files there. */
export type Launch = (command: string, args: readonly string[], env?: Readonly<Record<string, string>>) => Running

/**
 * A reverse proxy to measure. The work is equal: round-robin over the origins, the client's address as x-forwarded-for,
 * connections kept alive on both sides, one core. What is not asked for (access log, compression, buffering on disk) is off.
 */
export interface Competitor {
  readonly name: string
  /** Null, or why it can't be measured here and how to change that. */
  available(): string | null
  /** Asked only when it is available; empty where the name says it. */
  version(): string
  start(work: Work, launch: Launch): Running
}
