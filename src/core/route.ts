/** Which failed attempts are followed by one at another endpoint, and how. Plain, crosses threads. */
export interface RetryRule {
  /** Further attempts after the first where bytes may have been sent. */
  readonly attempts: number
  /** Nothing was sent: any method, at once, outside the budget. */
  readonly connect: boolean
  /** Sent, and closed without a byte of an answer. */
  readonly reset: boolean
  /** Sent, and no answer in time. */
  readonly headTimeout: boolean
  /** Answers that another endpoint may do better. */
  readonly statuses: readonly number[]
  /** Time for the response head of one attempt, from the request fully sent; null = the service's. */
  readonly perTryMs: number | null
}

/** Which clients are served, by their addresses: CIDRs or single ones. */
export interface ClientAccess {
  /** Null = all. */
  readonly allow: readonly string[] | null
  readonly deny: readonly string[]
}

/** The answer of a route that sends its clients elsewhere. */
export interface RouteRedirect {
  readonly status: 301 | 302 | 303 | 307 | 308
  /** An absolute URL; `$host` in it is the request's host, `$path` the path that the endpoint would have received, with the query. */
  readonly location: string
}

/** A rule as the configuration states it: plain, crosses threads. Host + path prefix (+ methods, headers) → service. */
export interface RouteRule {
  /** Stable, readable label for metrics and logs, unique in the configuration. */
  readonly id: string
  /** Exact host, `*.example.com`, or null for any; lower case, without port. */
  readonly host: string | null
  /** Path prefix, starts with `/`, matched at segment boundaries. */
  readonly path: string
  /** Upper-case methods, or null for any. */
  readonly methods: readonly string[] | null
  /** Fields that must be present with exactly this value; names in lower case. */
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  /** Key of the service. */
  readonly service: string
  readonly stripPrefix: boolean
  /** Put before the (stripped) path; starts with `/`; null for nothing. */
  readonly prependPath: string | null
  /** True: `host` towards the endpoint is its address; false: the client's own. */
  readonly rewriteHost: boolean
  /** For all attempts together, from the request fully received to the response head complete. */
  readonly timeoutMs: number
  readonly retry: RetryRule
  /** Null = for all clients; others are answered `forbidden`. */
  readonly access: ClientAccess | null
  /** Null = the service answers. */
  readonly redirect: RouteRedirect | null
  /** What it was made from; null = the configuration declares it. */
  readonly origin: string | null
}

/** What a route match depends on. `host` is lower case without port; `path` is in normal form, without the query. */
export interface MatchInput {
  readonly host: string
  readonly path: string
  readonly method: string
  /** The value of a field by its lower-case name; null when absent; several lines joined with ", ". */
  header(name: string): string | null
}
