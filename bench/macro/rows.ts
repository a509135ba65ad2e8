import { countFailures, type Failures } from './generators/contract.ts'
import { type Measured, ratiosOf } from './ratios.ts'
import type { Round, Row } from './result.ts'

/** Marks rows invalid in which any request failed, and adds the ratios between the valid ones. */
export function compare(measured: readonly Measured[]): Row[] {
  const checked = measured.map((row) => ({ ...row, problem: row.problem ?? failureIn(row.rounds) }))
  return checked.map((row) => ({ ...row, ratios: ratiosOf(row, checked) }))
}

function failureIn(rounds: readonly Round[]): string | null {
  if (rounds.some(({ requests }) => requests === 0)) return 'a round without an answer'
  const failed = rounds.reduce((sum, { failures }) => sum + countFailures(failures), 0)
  if (failed === 0) return null
  const kinds = (Object.keys(rounds[0]?.failures ?? {}) as (keyof Failures)[])
    .map((kind) => [kind, rounds.reduce((sum, { failures }) => sum + failures[kind], 0)] as const)
    .filter(([, count]) => count > 0)
  return `${failed} requests failed (${kinds.map(([kind, count]) => `${kind} ${count}`).join(', ')})`
}
