import type { Path, Position, Problem } from './finding.ts'

/** A configuration as it was written: plain JSON values, nothing expanded, nothing checked. */
export interface Written {
  readonly tree: unknown
  /** When there are any, `tree` is not worth checking. */
  readonly problems: readonly Problem[]
  /** Where the value (or its key) stands; the nearest enclosing value for one that is missing; null without positions. */
  readonly locate: (path: Path, atKey: boolean) => Position | null
}

/** Deeper than any configuration; keeps recursion, ours and that of the packages we call, far from the end of the stack. */
export const maxDepth = 64
