import type { CaseResult, Round, Row } from './result.ts'
import { spread, type Spread } from './statistics.ts'

const mebibyte = 1024 ** 2

/** A case as Markdown: what was measured, a table aligned for terminals too, and who was not there. */
export function renderCase(result: CaseResult): string {
  const { machine } = result
  const connections = result.connections === 1 ? '1 connection' : `${result.connections} connections`
  const absent = result.absent.map(({ competitor, reason }) => `${competitor} (${reason})`)
  const invalid = result.rows.flatMap(({ competitor, problem }) =>
    // What a process said before it ended has several lines.
    problem === null ? [] : [`Invalid: ${competitor}: ${problem.replaceAll(/\s+/g, ' ')}.`],
  )
  return [
    `**${result.title}**, ${connections} (\`${result.case}\`)`,
    '',
    ...renderTable(result.rows),
    '',
    `${result.startedAt.slice(0, 10)}, ${machine.cpuModel}, Linux ${machine.kernel}, Node ${machine.node}; ${result.rounds} × ${result.seconds} s each, interleaved; medians, and ratios of CPU round by round (lowest–highest).`,
    ...invalid,
    ...(absent.length === 0 ? [] : [`Not measured: ${absent.join(', ')}.`]),
  ].join('\n')
}

interface Column {
  readonly title: string
  readonly cell: (row: Row) => string
}

function renderTable(rows: readonly Row[]): string[] {
  const columns = columnsFor(rows)
  const lines = rows.map((row) => columns.map(({ cell }) => cell(row)))
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...lines.map((line) => (line[i] as string).length)),
  )
  const render = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join(' | ')} |`
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [render(columns.map(({ title }) => title)), render(rule), ...lines.map(render)]
}

function columnsFor(rows: readonly Row[]): Column[] {
  const severalShapes = rows.some(({ cpuToOneRoute }) => cpuToOneRoute !== null)
  const shape: Column = {
    title: 'routes × instances',
    cell: ({ shape: { routes, instancesPerRoute } }) => `${routes.toLocaleString('en')} × ${instancesPerRoute}`,
  }
  const toOneRoute: Column = { title: 'to one route', cell: (row) => ratio(row.cpuToOneRoute) }
  return [
    { title: 'proxy', cell: ({ competitor, version }) => `${competitor} ${version}` },
    ...(severalShapes ? [shape] : []),
    {
      title: 'CPU µs/request',
      cell: (row) => (row.problem === null ? median(row, 'cpuMicrosPerRequest', 1) : 'invalid'),
    },
    { title: 'to nginx', cell: (row) => ratio(row.cpuToNginx) },
    ...(severalShapes ? [toOneRoute] : []),
    { title: 'requests/s', cell: (row) => median(row, 'requestsPerSecond', 0) },
    { title: 'p50 ms', cell: (row) => median(row, 'p50Micros', 2, 1000) },
    { title: 'p99 ms', cell: (row) => median(row, 'p99Micros', 2, 1000) },
    { title: 'p99.9 ms', cell: (row) => median(row, 'p999Micros', 2, 1000) },
    {
      title: 'peak MiB',
      cell: ({ problem, peakBytes }) => (problem === null ? (peakBytes / mebibyte).toFixed(0) : ''),
    },
  ]
}

type Figure = Exclude<keyof Round, 'failures'>

function median({ problem, rounds }: Row, figure: Figure, digits: number, divisor = 1): string {
  if (problem !== null) return ''
  const middle = spread(rounds.map((round) => round[figure])).median / divisor
  return middle.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function ratio(of: Spread | null): string {
  return of === null ? '' : `${of.median.toFixed(2)} (${of.min.toFixed(2)}–${of.max.toFixed(2)})`
}
