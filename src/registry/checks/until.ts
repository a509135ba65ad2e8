/** When a probe has to end. */
export interface Until {
  /** Aborts at the deadline, or when the check is stopped. */
  readonly signal: AbortSignal
  /** Aborted where it was the deadline. */
  readonly deadline: AbortSignal
}
