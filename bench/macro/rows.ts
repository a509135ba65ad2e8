import { oneRoute, type Shape } from './cases.ts'
import type { Round, Row } from './result.ts'
import { ratios, type Spread } from './statistics.ts'
import { countFailures, type Failures } from './wrk.ts'

/** A row before it is compared with the others. */
export type Measured = Omit<Row, 'cpuToNginx' | 'cpuToOneRoute'>

/** Marks rows invalid in which any request failed, and adds the ratios between the valid ones. */
export function compare(measured: readonly Measured[]): Row[] {
  const checked = measured.map((row) => ({ ...row, problem: row.problem ?? failureIn(row.rounds) }))
  return checked.map((row) => ({
    ...row,
    cpuToNginx: row.competitor === 'nginx' ? null : ratioOf(row, find(checked, 'nginx', row.shape)),
    cpuToOneRoute: isSame(row.shape, oneRoute) ? null : ratioOf(row, find(checked, row.competitor, oneRoute)),
  }))
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

function find(rows: readonly Measured[], competitor: string, shape: Shape): Measured | null {
  return rows.find((row) => row.competitor === competitor && isSame(row.shape, shape)) ?? null
}

function isSame(a: Shape, b: Shape): boolean {
  return a.routes === b.routes && a.instancesPerRoute === b.instancesPerRoute
}

function ratioOf(row: Measured, base: Measured | null): Spread | null {
  if (base === null || row.problem !== null || base.problem !== null) return null
  return ratios(row.rounds.map(cpuOf), base.rounds.map(cpuOf))
}

function cpuOf(round: Round): number {
  return round.cpuMicrosPerRequest
}
