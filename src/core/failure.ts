/** Who caused a failure. Only `upstream` is evidence against an endpoint. */
export type Blame = 'client' | 'gateway' | 'upstream'

/**
 * Whether another endpoint may be tried. `always`: nothing was sent, any method. `idempotent`: bytes were sent, only a
 * method that may be repeated (RFC 9110 section 9.2.2), within the budget. `asked`: the same, where the route asks for it only.
 */
export type Retry = 'never' | 'always' | 'idempotent' | 'asked'

export interface FailureSpec {
  readonly status: number
  readonly blame: Blame
  readonly retry: Retry
  /** True when what the client sent can't be trusted to be framed: the connection is closed after the answer. */
  readonly closes: boolean
  /** One sentence for the problem document's `title` and the generated docs page. */
  readonly title: string
}

/**
 * Every way an exchange can fail and everything that follows from it: the status, who is to blame, whether a retry is
 * safe, the metric label and log field (the key), the docs page.
 */
export const failures = {
  'no-route': spec(404, 'client', 'never', false, 'No route matches this host, path, method and headers'),
  'bad-request': spec(400, 'client', 'never', true, 'The request is malformed'),
  'request-timeout': spec(408, 'client', 'never', true, 'The request did not arrive in time'),
  'body-too-large': spec(413, 'client', 'never', true, 'The request body is larger than this listener allows'),
  'uri-too-long': spec(414, 'client', 'never', true, 'The request target is longer than this listener allows'),
  'expectation-failed': spec(417, 'client', 'never', true, 'The Expect field asks for something unknown'),
  'headers-too-large': spec(431, 'client', 'never', true, 'The request head is larger than this listener allows'),
  'method-refused': spec(405, 'client', 'never', true, 'CONNECT and TRACE are not served'),
  'not-implemented': spec(501, 'client', 'never', true, 'The transfer coding is not known'),
  version: spec(505, 'client', 'never', true, 'The HTTP version is not served'),
  'client-abort': spec(499, 'client', 'never', true, 'The client went away before its answer was complete'),
  unauthorized: spec(401, 'client', 'never', false, 'Credentials are missing or wrong'),
  forbidden: spec(403, 'client', 'never', false, 'This client may not do this'),
  'rate-limited': spec(429, 'client', 'never', false, 'Too many requests'),
  'middleware-failed': spec(500, 'gateway', 'never', false, 'A middleware of this gateway failed'),
  'no-endpoint': spec(503, 'gateway', 'never', false, 'No endpoint of the service may be used now'),
  overloaded: spec(503, 'gateway', 'never', false, 'The gateway has no room for this request now'),
  draining: spec(503, 'gateway', 'never', true, 'The gateway is shutting down'),
  'connect-refused': spec(502, 'upstream', 'always', false, 'The endpoint refused the connection'),
  'connect-timeout': spec(504, 'upstream', 'always', false, 'The endpoint did not accept the connection in time'),
  'tls-failed': spec(502, 'upstream', 'always', false, 'The TLS handshake with the endpoint failed'),
  'local-exhaustion': spec(503, 'gateway', 'never', false, 'The gateway has no sockets left'),
  'reset-before-head': spec(
    502,
    'upstream',
    'idempotent',
    false,
    'The endpoint closed the connection without an answer',
  ),
  'bad-response': spec(502, 'upstream', 'never', false, 'The endpoint answered with something that is not HTTP'),
  'head-timeout': spec(504, 'upstream', 'asked', false, 'The endpoint did not begin its answer in time'),
  'total-timeout': spec(504, 'upstream', 'never', false, 'All attempts together took longer than the route allows'),
  'reset-in-body': spec(502, 'upstream', 'never', true, 'The endpoint broke off in the middle of its answer'),
  'idle-timeout': spec(504, 'upstream', 'never', true, 'The endpoint fell silent in the middle of its answer'),
} as const satisfies Record<string, FailureSpec>

export type Failure = keyof typeof failures

function spec(status: number, blame: Blame, retry: Retry, closes: boolean, title: string): FailureSpec {
  return Object.freeze({ status, blame, retry, closes, title })
}
