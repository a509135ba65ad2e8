/** Which requests a fault meets. Queries that wait already are answered as ever; `dropConnections` ends those. */
export interface FaultScope {
  /** The beginning of their paths, for example `/v1/health/service/web`. Default: all. */
  readonly path?: string
  /** So many requests, then the fault is over. Default: until it is undone. */
  readonly times?: number
}

/** Answered so, in place of the registry's own answer. */
export interface AnswerFault extends FaultScope {
  /** 200 to 599. */
  readonly status: number
  /** Default: the status's name. */
  readonly body?: string
  /** Default: `content-type: text/plain; charset=utf-8`. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Answered late. Undone, what waits is answered at once. */
export interface DelayFault extends FaultScope {
  /** At most 2,147,483,647, which is never to any client. */
  readonly delayMs: number
}

/** The connection breaks: before the answer's head, or half-way through its body. */
export interface CutFault extends FaultScope {
  readonly cut: 'head' | 'body'
}

/**
 * The servers have no leader. As in Consul, reads of catalog, health and keys are 500 `No cluster leader` unless they take `?stale` (or
 * `?cached`) answers, which say that no leader is known; keys can't be written; and the agent goes on: what registers with it reaches
 * the catalog when there is a leader again. Consul takes 7 s (`rpc_hold_timeout`) to say so, this registry says it at once.
 */
export interface LeaderlessFault {
  readonly leaderless: true
}

/**
 * At once: all indexes are small again, as when Consul restores an older snapshot. Nothing is forgotten. Whoever waits, or asks for what
 * follows an index of before, is answered, so that every client notices; Consul may let them wait out.
 */
export interface IndexResetFault {
  readonly resetIndex: true
}

/** At once: an index reset, after which nothing is registered and there are no keys, as when a Consul comes back empty. */
export interface ForgettingFault {
  readonly forget: true
}

/** At once: all connections are closed, waiting queries included, as when an agent is restarted. */
export interface DroppedConnectionsFault {
  readonly dropConnections: true
}

/** What a test may order a registry to suffer. */
export type Fault =
  | AnswerFault
  | DelayFault
  | CutFault
  | LeaderlessFault
  | IndexResetFault
  | ForgettingFault
  | DroppedConnectionsFault

/** Faults that meet requests, as opposed to states and moments of the registry. */
export type RequestFault = AnswerFault | DelayFault | CutFault
