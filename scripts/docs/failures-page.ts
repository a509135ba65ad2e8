import { failures, type FailureSpec } from '../../src/core/failure.ts'

const introduction = `# Failures

Every way an exchange can fail. Generated from the sources by \`npm run docs\`.

An answer that the gateway makes itself is a problem document (RFC 9457) and carries \`x-request-id\` and
\`x-tidegate-error\` with the failure's name. The same name is the \`failure\` of the access log, of
\`tidegate_errors_total\`, and the \`outcome\` of \`tidegate_upstream_requests_total\`.

- **status**: what the client gets. 499 is in log and metrics only: nobody is left to get it.
- **blame**: only what is blamed on the upstream is evidence against an endpoint, and may eject it.
- **retry**, on another endpoint: \`always\`: nothing was sent, any method may be tried again; \`idempotent\`: bytes were sent,
  so only methods that may be repeated (RFC 9110 section 9.2.2), within the retry budget.
- **closes**: the client's connection ends with the answer, because what follows on it can't be told apart from the failed
  exchange.

| failure | status | blame | retry | closes | meaning |
|---|---|---|---|---|---|
`

/** The reference page of all failures. */
export function renderFailuresPage(): string {
  return introduction + Object.entries(failures).map(row).join('')
}

function row([name, { status, blame, retry, closes, title }]: [string, FailureSpec]): string {
  return `| \`${name}\` | ${status} | ${blame} | ${retry} | ${closes ? 'yes' : 'no'} | ${title} |\n`
}
