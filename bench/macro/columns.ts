import { table } from '../markdown-table.ts'
import type { Round, Row } from './result.ts'
import { spread, type Spread } from './statistics.ts'

export interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => string
}

/** A Markdown table of a line per row. */
export function renderColumns<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const titles = columns.map(({ title }) => title)
  const lines = rows.map((row) => columns.map(({ cell }) => cell(row)))
  return table(titles, lines)
}

type Measure = Exclude<keyof Round, 'failures'>

/** The median over the rounds of a valid row; empty for others, and where a round has no such figure. */
export function sayMedian({ problem, rounds }: Row, measure: Measure, digits: number, divisor = 1): string {
  if (problem !== null) return ''
  const values = rounds.flatMap((round) => round[measure] ?? [])
  if (values.length !== rounds.length) return ''
  const middle = spread(values).median / divisor
  return middle.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

export function sayRatio(of: Spread | null): string {
  return of === null ? '' : `${of.median.toFixed(2)} (${of.min.toFixed(2)}–${of.max.toFixed(2)})`
}
