import type { Shape } from './cases.ts'
import type { Round, Row } from './result.ts'
import { ratios, type Spread } from './statistics.ts'

/** A row before it is compared with the others. */
export type Measured = Omit<Row, 'ratios'>

interface Ratio {
  readonly of: 'cpuMicrosPerRequest' | 'p99Micros' | 'requestsPerSecond'
  /** The row it is compared with, among those of a case; null for none. */
  readonly base: (row: Measured, rows: readonly Measured[]) => Measured | null
}

/** What a row may be compared with. */
export const ratioKinds = {
  cpuToNginx: { of: 'cpuMicrosPerRequest', base: (row, rows) => another(row, rows, 'nginx') },
  cpuToHaproxy: { of: 'cpuMicrosPerRequest', base: (row, rows) => another(row, rows, 'haproxy') },
  /** Of another checkout to this one. */
  cpuToTidegate: {
    of: 'cpuMicrosPerRequest',
    base: (row, rows) => (isOtherCheckout(row.competitor) ? another(row, rows, 'tidegate') : null),
  },
  p99ToNginx: { of: 'p99Micros', base: (row, rows) => another(row, rows, 'nginx') },
  /** To the same competitor in the case's last shape. */
  cpuToLastShape: { of: 'cpuMicrosPerRequest', base: inLastShape },
  rateToLastShape: { of: 'requestsPerSecond', base: inLastShape },
} as const satisfies Readonly<Record<string, Ratio>>

export type RatioName = keyof typeof ratioKinds

/** How another checkout of Tidegate is called in tables. */
export function nameOfCheckout(description: string): string {
  return `tidegate (${description})`
}

function isOtherCheckout(competitor: string): boolean {
  return competitor.startsWith(nameOfCheckout('').slice(0, -1))
}

/** All ratios of a row; null where either side counts for nothing. */
export function ratiosOf(row: Measured, rows: readonly Measured[]): Record<RatioName, Spread | null> {
  const entries = Object.entries(ratioKinds).map(([name, { of, base }]) => [name, ratio(row, base(row, rows), of)])
  return Object.fromEntries(entries) as Record<RatioName, Spread | null>
}

function ratio(row: Measured, base: Measured | null, of: keyof Round & Ratio['of']): Spread | null {
  if (base === null || row.problem !== null || base.problem !== null) return null
  return ratios(
    row.rounds.map((round) => round[of]),
    base.rounds.map((round) => round[of]),
  )
}

function another(row: Measured, rows: readonly Measured[], competitor: string): Measured | null {
  if (row.competitor === competitor) return null
  return rows.find((other) => other.competitor === competitor && isSame(other.shape, row.shape)) ?? null
}

function inLastShape(row: Measured, rows: readonly Measured[]): Measured | null {
  const last = rows.at(-1)?.shape
  if (last === undefined || isSame(row.shape, last)) return null
  return rows.find((other) => other.competitor === row.competitor && isSame(other.shape, last)) ?? null
}

function isSame(a: Shape, b: Shape): boolean {
  return a.routes === b.routes && a.instancesPerRoute === b.instancesPerRoute && a.threads === b.threads
}
