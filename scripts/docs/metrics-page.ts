import { durationBuckets } from '../../src/core/meter.ts'
import { families, type Family } from '../../src/observe/families.ts'

const introduction = `# Metrics

\`GET /metrics\` of the admin listener, in Prometheus' text format. Generated from the sources by \`npm run docs\`.

- Every family prints HELP and TYPE from the start, also while it has no series.
- Counts are over all data threads. A thread that is replaced takes no counts with it.
- \`worker\` is the column of a data thread, as \`/api/v1/workers\` shows it; one that takes over from another has another column.
- Label values come from the configuration and the registry, never from a request, but for \`method\` (known ones, else
  \`OTHER\`) and \`code\` (the exact status). Clients can't make series.
- A series of a data thread begins with the first thing that it counts, and was 0 before: \`rate\` and \`increase\` of Prometheus know nothing of what came before
  the first scrape that has it.
- Series of an instance or a route that is gone are shown by one more scrape.
- \`outcome\` of an upstream request is the class of its status or the name of its [failure](failures.md).
- Node's and the process' own metrics (\`nodejs_*\`, \`process_*\`) are those of the main thread and of the whole process.

| family | type | labels | meaning |
|---|---|---|---|
`

/** The reference page of all metric families. */
export function renderMetricsPage(): string {
  const bounds = durationBuckets.map((seconds) => `${seconds}`).join(', ')
  return `${introduction}${families.map(row).join('')}
Upper bounds of the histograms' buckets, in seconds: ${bounds}, +Inf.
`
}

function row({ name, type, labels, help }: Family): string {
  return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help} |\n`
}
