/** Kinds of entries in the timeline: what the gateway decided or learned. */
export type DecisionType =
  | 'added'
  | 'removed'
  | 'held'
  | 'released'
  | 'ejected'
  | 'restored'
  | 'unhealthy'
  | 'draining'
  /** The registry's word and what we see of an endpoint contradict each other; `agreement`: no longer. */
  | 'disagreement'
  | 'agreement'
  | 'config-applied'
  | 'config-rejected'
  | 'source-lost'
  | 'source-back'
  /** An entry of a registry can't be used; its neighbours can. */
  | 'skipped'
  | 'worker-replaced'
  /** A service is overloaded, and gets no more than it can do; `unlimited`: it is no longer, or was not. */
  | 'limited'
  | 'unlimited'
  | 'shedding-begun'
  | 'shedding-over'
  /** Of a route that a tag in a registry asks for; `skipped`: it is none that can be served. */
  | 'route-added'
  | 'route-removed'
  | 'route-skipped'
  /** This process serves in place of another. */
  | 'took-over'
  /** The process that was to serve in place of this one does not. */
  | 'handover-failed'

/** One decision with its cause. `service` and `endpoint` are null where the decision is about neither. */
export interface Decision {
  /** ISO 8601 wall-clock time. */
  readonly at: string
  readonly type: DecisionType
  readonly service: string | null
  readonly endpoint: string | null
  /** A sentence for humans: why. */
  readonly cause: string
}

/** Why an endpoint is ejected; the `reason` label of `tidegate_ejections_total`. */
export type EjectionReason = 'connect' | 'consecutive' | 'success-rate' | 'manual'
