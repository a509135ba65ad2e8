import type { DurationInput } from '../register-options.ts'

export interface ClientOptions {
  /** Where the service is looked up. `consul://`, `etcd://`, `mdns://` or `tidegate://`. Default: TIDEGATE_REGISTRY from the environment, else `consul://127.0.0.1:8500`. */
  readonly registry?: string
  /** Only instances with this tag. */
  readonly tag?: string
  readonly version?: string
  /** As in a gateway's configuration, but for `consistent-hash`. Default `round-robin`. */
  readonly balancer?: 'round-robin' | 'least-request' | 'p2c' | 'peak-ewma' | 'random'
  /** For all attempts together, until the response head is complete. Default `30s`. */
  readonly timeout?: DurationInput
  /** Default `2s`. */
  readonly connectTimeout?: DurationInput
  /** For the response head of one attempt. Default `15s`. */
  readonly headTimeout?: DurationInput
  /** Silence allowed in response bodies. Default `5m`. */
  readonly idleTimeout?: DurationInput
  readonly retry?: {
    /** Further attempts where bytes may have been sent. Default 1; 0 = none. */
    readonly attempts?: number
    /** Statuses that another instance may do better. Default none. */
    readonly statuses?: readonly (502 | 503 | 504)[]
  }
  readonly outlier?: {
    /** Failures in a row that eject an instance. Default 5. */
    readonly consecutiveFailures?: number
    /** Default `30s`, times the ejections in a row. */
    readonly baseEjection?: DurationInput
    /** Default 50. */
    readonly maxEjectedPercent?: number
  }
  /** `https` speaks TLS to the instances, verified against the name in the registry. Default `http`. */
  readonly scheme?: 'http' | 'https'
}
