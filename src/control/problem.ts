/** Something the operator should read in the log; the gateway goes on with what it has. */
export interface ControlProblem {
  /** `source/service`, or a file. */
  readonly place: string
  readonly message: string
}

export type OnProblem = (problem: ControlProblem) => void

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
