/**
 * Many queries of Consul's API over one connection, as our registry takes them beside requests: what waits costs a line, not a
 * stream or a connection. Asked for by HTTP/1.1's Upgrade (RFC 9110 section 7.8) or HTTP/2's extended CONNECT (RFC 8441), which a
 * server that does not know it answers as ever.
 *
 * Either side sends lines of JSON, a QueryLine or an AnswerLine; an answer's body follows its line. An empty line asks for a sign of
 * life, and another empty line is one.
 *
 * An answer that takes it up has a field of that name, too: a proxy may make one of `CONNECT` and `Upgrade` of the other, and not all
 * that a 200 says is meant so.
 */
export const queryLinesProtocol = 'tidegate-query-lines'

/** Below `/v1`, what the request that asks for the protocol is for: an agent answers it to anybody. */
export const queryLinesPath = '/status/leader'

/** Of a query or an answer, without its end. */
export const maxQueryLineBytes = 64 * 1024

export interface QueryLine {
  /** The client's own; free again once it is answered, or not wanted any more. */
  readonly id: number
  /** With its query, for example `/v1/health/service/web?stale&index=7`. Absent: the answer is not wanted any more. */
  readonly path?: string
}

export interface AnswerLine {
  readonly id: number
  readonly status: number
  /** Those of the answer to a request, with small letters. */
  readonly headers: Readonly<Record<string, string>>
  /** Of the body. */
  readonly bytes: number
}
