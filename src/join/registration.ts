/** How the registry learns whether an instance is well. Times in milliseconds. */
export type CheckPlan =
  /** The instance reports by itself, and counts as dead when it has not for `ttlMs`. */
  | { readonly type: 'ttl'; readonly ttlMs: number }
  | { readonly type: 'http'; readonly url: string; readonly intervalMs: number; readonly timeoutMs: number }
  /** `address` is `host:port`. */
  | { readonly type: 'tcp'; readonly address: string; readonly intervalMs: number; readonly timeoutMs: number }
  /** `target` is `host:port`, or `host:port/service` for the health of one gRPC service. */
  | {
      readonly type: 'grpc'
      readonly target: string
      readonly tls: boolean
      readonly intervalMs: number
      readonly timeoutMs: number
    }

/** One instance as it is to stand in a registry. Plain and frozen. */
export interface Registration {
  readonly name: string
  /** The same for each start of the same instance, so that a restart takes its own place. */
  readonly id: string
  /** IP address or host name that callers connect to. */
  readonly host: string
  readonly port: number
  readonly tags: readonly string[]
  /** `version`, `zone` and `protocol` among them where the user named them. */
  readonly meta: Readonly<Record<string, string>>
  /** Share of traffic relative to the other instances; null = the registry's default. */
  readonly weight: number | null
  readonly check: CheckPlan
  /** How long it may be dead before the registry forgets it; null = never by itself. */
  readonly deregisterAfterMs: number | null
}

/** What an instance says of itself with a heartbeat. */
export interface HealthReport {
  readonly status: 'passing' | 'warning' | 'critical'
  /** Shown in the registry; may be empty. */
  readonly note: string
}

export const well: HealthReport = Object.freeze({ status: 'passing', note: '' })
