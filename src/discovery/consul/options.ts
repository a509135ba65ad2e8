import type { ClientTlsSettings } from '../../core/snapshot.ts'

export interface ConsulOptions {
  readonly name: string
  readonly type: 'consul'
  /** Of the agent, for example `http://127.0.0.1:8500`; a path before `/v1` is kept. */
  readonly address: string
  /** Needs `service:read` and `node:read` for what is routed. */
  readonly token: string | null
  /** Null = the agent's own. */
  readonly datacenter: string | null
  /** Several to look in, the nearest first, in place of `datacenter`; null = that one. */
  readonly datacenters: readonly string[] | null
  /** What tags begin with that are routes; null = none are. */
  readonly routesFromTags: string | null
  /** For an `https:` address; null = as Node does by default. */
  readonly tls: ClientTlsSettings | null
}

/** Not for the configuration; tests shorten them. */
export interface ConsulLimits {
  /** More watches than this share two long polls: an agent resets a client's 201st connection. */
  readonly sharedAbove: number
  /** When fewer are left, each has its own again. Lower than `sharedAbove`, so that one watch more or less does not go back and forth. */
  readonly perServiceBelow: number
  /** How long the agent may hold a blocking query. */
  readonly waitMs: number
  /** For an answer that is not held. */
  readonly answerTimeoutMs: number
  /** Connections to the agent. */
  readonly maxSockets: number
  readonly multiplexed: MultiplexedLimits
}

/** Where the agent takes many queries over one connection. */
export interface MultiplexedLimits {
  /** In place of `maxSockets`. */
  readonly maxConnections: number
  /** Over HTTP/2, of one connection, where the agent does not allow fewer. */
  readonly maxStreams: number
  /** Of one connection where each query is a line (`core/query-lines`); 0 = that is not asked for. */
  readonly maxLines: number
  /** How long an agent may take to say whether it takes lines; then it is taken not to. */
  readonly linesTimeoutMs: number
  /** Queries under way that don't block, so that a thousand watches that begin together don't ask together. */
  readonly maxFirstReads: number
  /** In place of `waitMs`. */
  readonly waitMs: number
  /** How often a connection is asked for a sign of life; two unanswered ones in a row end it. */
  readonly probeIntervalMs: number
  /** How long a connection is kept that nobody uses. */
  readonly idleMs: number
  /** Between two attempts to connect after a failure, after the first two. */
  readonly connectIntervalMs: number
}

export const consulLimits: ConsulLimits = Object.freeze({
  sharedAbove: 100,
  perServiceBelow: 80,
  waitMs: 60_000,
  answerTimeoutMs: 10_000,
  // Room for `sharedAbove` watches, and for the shared polls with their reads while one mode replaces the other.
  maxSockets: 128,
  multiplexed: Object.freeze({
    // 16,000 streams of Go's 250; twice that, for a gateway and its successor, leaves the agent's 200 a third for others.
    maxConnections: 64,
    maxStreams: 250,
    maxLines: 20_000,
    linesTimeoutMs: 2000,
    maxFirstReads: 32,
    // A silent connection is found by its pings, so that the end of a wait only repeats what is known.
    waitMs: 300_000,
    probeIntervalMs: 5000,
    idleMs: 15_000,
    connectIntervalMs: 250,
  }),
})
