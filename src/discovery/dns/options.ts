export interface DnsServer {
  /** IP address without brackets. */
  readonly host: string
  readonly port: number
}

export interface DnsOptions {
  readonly name: string
  readonly type: 'dns'
  /** Asked in this order; none = those of the system. */
  readonly servers: readonly DnsServer[]
  readonly record: 'srv' | 'a'
  /** Put behind a service's name, unless that ends with a dot; null = nothing. */
  readonly domain: string | null
  /** For `record: a`, where a service's name says none. */
  readonly port: number | null
  /** An answer holds for its TTL, but never less than the first nor more than the second. */
  readonly minTtlMs: number
  readonly maxTtlMs: number
  /** For one try of one server, over one transport. */
  readonly timeoutMs: number
}
