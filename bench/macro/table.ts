import { type Column, renderColumns, sayMedian, sayRatio } from './columns.ts'
import { isQuiet } from './machine.ts'
import type { RatioName } from './ratios.ts'
import type { CaseResult, Row } from './result.ts'

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
    renderColumns(columnsFor(result), result.rows),
    '',
    `${result.startedAt.slice(0, 10)}, ${machine.cpuModel}, Linux ${machine.kernel}, Node ${machine.node}; ${result.rounds} × ${result.seconds} s each, interleaved; medians, and ratios round by round (lowest–highest).`,
    ...(isQuiet(machine)
      ? []
      : [`Others used the machine too (load average ${machine.loadAverageBefore.toFixed(1)}): figures scatter.`]),
    ...invalid,
    ...(absent.length === 0 ? [] : [`Not measured: ${absent.join(', ')}.`]),
  ].join('\n')
}

/** Ratios that a table has where any row has them. */
const ratioTitles = [
  ['cpuToNginx', 'to nginx'],
  ['cpuToHaproxy', 'to HAProxy'],
  ['cpuToTidegate', 'to tidegate'],
] as const satisfies readonly (readonly [RatioName, string])[]

function columnsFor({ figure, rows }: CaseResult): Column<Row>[] {
  const ratio = (name: RatioName, title: string): Column<Row>[] =>
    rows.some(({ ratios }) => ratios[name] !== null) ? [{ title, cell: (row) => sayRatio(row.ratios[name]) }] : []
  return [
    { title: 'proxy', cell: ({ competitor, version }) => `${competitor} ${version}`.trim() },
    ...shapeColumns(rows),
    { title: 'CPU µs/request', cell: cpuCell },
    ...ratioTitles.flatMap(([name, title]) => ratio(name, title)),
    ...(figure === 'speedup' ? [] : ratio('cpuToLastShape', 'to one route')),
    ...when(figure === 'p99', { title: 'sent/s', cell: offeredCell }),
    { title: 'requests/s', cell: (row) => sayMedian(row, 'requestsPerSecond', 0) },
    ...(figure === 'speedup' ? ratio('rateToLastShape', 'requests/s to one thread') : []),
    { title: 'p50 ms', cell: (row) => sayMedian(row, 'p50Micros', 2, 1000) },
    { title: 'p99 ms', cell: (row) => sayMedian(row, 'p99Micros', 2, 1000) },
    ...(figure === 'p99' ? ratio('p99ToNginx', 'p99 to nginx') : []),
    { title: 'p99.9 ms', cell: (row) => sayMedian(row, 'p999Micros', 2, 1000) },
    ...when(figure === 'p99', { title: 'sent late, p99 ms', cell: (row) => sayMedian(row, 'lagP99Micros', 2, 1000) }),
    {
      title: 'peak MiB',
      cell: ({ problem, peakBytes }) => (problem === null ? (peakBytes / mebibyte).toFixed(0) : ''),
    },
    ...when(
      rows.some(({ tls }) => tls !== null),
      { title: 'cipher', cell: ({ tls }) => tls?.replace(/^\S+ (?:TLS_)?/, '') ?? '' },
    ),
  ]
}

function when(holds: boolean, column: Column<Row>): Column<Row>[] {
  return holds ? [column] : []
}

function shapeColumns(rows: readonly Row[]): Column<Row>[] {
  const differs = (of: (row: Row) => number) => new Set(rows.map(of)).size > 1
  if (differs(({ shape }) => shape.threads)) return [{ title: 'threads', cell: ({ shape }) => `${shape.threads}` }]
  if (!differs(({ shape }) => shape.routes)) return []
  return [{ title: 'routes × instances', cell: sizeCell }]
}

function sizeCell({ shape: { routes, instancesPerRoute } }: Row): string {
  return `${routes.toLocaleString('en')} × ${instancesPerRoute}`
}

function cpuCell(row: Row): string {
  if (row.problem === null) return sayMedian(row, 'cpuMicrosPerRequest', 1)
  return row.rounds.length === 0 ? 'out' : 'invalid'
}

function offeredCell({ problem, offeredPerSecond }: Row): string {
  return problem === null && offeredPerSecond !== null ? offeredPerSecond.toLocaleString('en') : ''
}
