import { table } from '../markdown-table.ts'
import type { Result } from './run-fault.ts'

/** One fault under one proxy. */
export interface Row {
  readonly fault: string
  readonly does: string
  readonly holds: string
  /** `tidegate standard` for the other engine. */
  readonly edge: string
  readonly version: string
  readonly startedAt: string
  /** Of the last minute before it: how busy others kept the machine. */
  readonly loadAverageBefore: number
  readonly seconds: number
  readonly times: number
  /** Why it could not be tried; null when it was. */
  readonly obstacle: string | null
  /** Null when it could not be tried, or broke off. */
  readonly result: Result | null
}

export interface Report {
  readonly cpuModel: string
  readonly cpuCount: number
  readonly rows: readonly Row[]
}

/** Rows measured now take the place of those before; faults that were not tried now keep theirs. @param order of the faults */
export function mergeRows(before: readonly Row[], now: readonly Row[], order: readonly string[]): Row[] {
  const isSame = (a: Row, b: Row) => a.fault === b.fault && a.edge === b.edge
  const kept = before.filter((row) => order.includes(row.fault) && !now.some((other) => isSame(row, other)))
  return [...now, ...kept].toSorted((a, b) => order.indexOf(a.fault) - order.indexOf(b.fault))
}

const columns = [
  'fault',
  'proxy',
  'requests',
  'failed',
  'lost',
  'twice',
  'p99 before',
  'p99 during',
  'well after',
  'holds',
]

export function renderTable(rows: readonly Row[]): string {
  return table(columns, rows.map(cellsOf))
}

/** How requests failed, what did not hold and what else was seen, fault by fault. */
export function renderNotes(rows: readonly Row[]): string {
  return rows.flatMap(noteOf).join('\n')
}

export function isMissed({ obstacle, result, edge }: Row): boolean {
  // Others are there to compare with; what they miss breaks no promise of ours.
  return isOwn(edge) && obstacle === null && (result === null || result.missed.length > 0)
}

function isOwn(edge: string): boolean {
  return edge.startsWith('tidegate')
}

export function renderPage({ cpuModel, cpuCount, rows }: Report): string {
  const days = rows.map(({ startedAt }) => startedAt.slice(0, 10)).toSorted()
  const loads = rows.map(({ loadAverageBefore }) => loadAverageBefore).toSorted((a, b) => a - b)
  const own = rows.filter(({ edge }) => edge === 'tidegate')
  const promises = table(
    ['fault', 'what happens', 'what must hold'],
    own.map(({ fault, does, holds }) => [fault, does, holds]),
  )
  return `# Faults under steady load

Written by \`npm run chaos -- --write\`; how it is done is in bench/README.md. ${cpuCount} × ${cpuModel}, shared with generator and
instances; ${days[0]} to ${days.at(-1)}; load average before ${loads[0]?.toFixed(1)} to ${loads.at(-1)?.toFixed(1)}: above 1, others used the machine, and times say
little. Times in ms; \`well after\`: seconds from the last blow to the first second without a failure and with a p99 of at most twice what it
was.

${renderTable(rows)}

${renderNotes(rows)}

${promises}
`
}

function cellsOf(row: Row): string[] {
  const { fault, edge, obstacle, result } = row
  if (result === null) return [fault, edge, '', '', '', '', '', '', '', obstacle ?? 'broke off']
  const { figures, repeated } = result
  const { requests, failed, lost, p99BeforeMs, p99DuringMs, recoveredMs } = figures
  return [
    fault,
    edge,
    String(requests),
    String(failed),
    String(lost),
    String(repeated),
    p99BeforeMs.toFixed(1),
    p99DuringMs.toFixed(1),
    recoveredMs === null ? 'never' : (recoveredMs / 1000).toFixed(1),
    result.missed.length === 0 ? 'OK' : 'MISSED',
  ]
}

function noteOf({ fault, edge, result }: Row): string[] {
  if (result === null) return []
  const { figures, facts, missed, ratePerSecond } = result
  const kinds = Object.entries(figures.kinds).map(([kind, count]) => `${count} × ${kind}`)
  const shown = Object.entries(facts).filter(([name]) => name !== 'replacedMs')
  const parts = [
    `${ratePerSecond} requests/s`,
    ...kinds,
    ...shown.map(([name, value]) => `${name} ${value}`),
    ...missed.map((what) => `MISSED: ${what}`),
  ]
  return [`- ${fault}, ${edge}: ${parts.join('; ')}`]
}
