import type { Round, Row } from './result.ts'
import { spread, type Spread } from './statistics.ts'

export interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => string
}

/** Lines of a Markdown table, aligned for terminals too: the first column to the left, the others to the right. */
export function renderColumns<T>(columns: readonly Column<T>[], rows: readonly T[]): string[] {
  const lines = rows.map((row) => columns.map(({ cell }) => cell(row)))
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...lines.map((line) => (line[i] as string).length)),
  )
  const render = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join(' | ')} |`
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [render(columns.map(({ title }) => title)), render(rule), ...lines.map(render)]
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
