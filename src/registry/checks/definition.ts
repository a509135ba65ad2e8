import type { CheckStatus } from '../model.ts'

export interface TtlProbe {
  readonly type: 'ttl'
  readonly ttlMs: number
}

/** What the probes that the registry sends have in common. */
export interface ProbeSchedule {
  readonly intervalMs: number
  /** For the whole exchange. */
  readonly timeoutMs: number
  /** Results in a row before the status follows them; 0 and 1 both mean at once. */
  readonly successBeforePassing: number
  readonly failuresBeforeCritical: number
  /** 0: as many as before critical, that is, never a warning. */
  readonly failuresBeforeWarning: number
}

export interface HttpProbe extends ProbeSchedule {
  readonly type: 'http'
  readonly url: string
  readonly method: string
  readonly header: Readonly<Record<string, string[]>>
  readonly body: string
  readonly tlsServerName: string
  readonly tlsSkipVerify: boolean
}

/** Passing while a connection can be made. */
export interface TcpProbe extends ProbeSchedule {
  readonly type: 'tcp'
  /** `host:port`, an IPv6 address in brackets. */
  readonly address: string
}

/** Passing while `grpc.health.v1` says SERVING. */
export interface GrpcProbe extends ProbeSchedule {
  readonly type: 'grpc'
  /** `host:port`. */
  readonly address: string
  /** Empty: the server as a whole. */
  readonly service: string
  readonly useTls: boolean
  readonly tlsServerName: string
  readonly tlsSkipVerify: boolean
}

export type SentProbe = HttpProbe | TcpProbe | GrpcProbe

export interface ProbeResult {
  readonly status: CheckStatus
  /** In Consul's wording. */
  readonly output: string
}

/** A check as a client asked for it, validated. */
export interface CheckDefinition {
  /** Empty: named after the service, or after the check where it has none. */
  readonly id: string
  readonly name: string
  readonly notes: string
  /** What to show before the first result. */
  readonly status: CheckStatus
  /** Null for maintenance, a check that stays as it is until it is removed. */
  readonly probe: TtlProbe | SentProbe | null
  /** How long the check may be critical before its service is removed; null: for ever. */
  readonly deregisterAfterMs: number | null
  readonly outputMaxBytes: number
}

/** Something that changes a check's status by itself until it is stopped. */
export interface CheckRunner {
  stop(): void
}
