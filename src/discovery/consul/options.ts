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
}

export const consulLimits: ConsulLimits = Object.freeze({
  sharedAbove: 100,
  perServiceBelow: 80,
  waitMs: 60_000,
  answerTimeoutMs: 10_000,
  // Room for `sharedAbove` watches, and for the shared polls with their reads while one mode replaces the other.
  maxSockets: 128,
})
