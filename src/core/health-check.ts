/** How the control plane asks the endpoints of a service whether they are well. */
export interface HealthCheck {
  /** Path and query of a GET; null = a connection that is accepted is enough. */
  readonly path: string | null
  /** Null = the endpoint's own. */
  readonly port: number | null
  /** The Host field of the GET; null = name or address of the endpoint. */
  readonly host: string | null
  /** Statuses of a healthy answer. */
  readonly statuses: readonly StatusRange[]
  readonly intervalMs: number
  /** For connecting, the handshake and the whole answer together. */
  readonly timeoutMs: number
  /** Checks passed in a row that bring an endpoint back. */
  readonly healthyAfter: number
  /** Checks failed in a row that take it out. */
  readonly unhealthyAfter: number
}

export interface StatusRange {
  readonly from: number
  /** Included. */
  readonly to: number
}
