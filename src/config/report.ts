import type { Config, LoadedConfig } from './config.ts'
import { ConfigError, type Finding, formatFinding } from './finding.ts'
import { loadConfig } from './load.ts'

const maxLines = 50

/** Findings as lines of text, the first 50 of them, and their number. */
export function reportFindings(findings: readonly Finding[]): string {
  const lines = findings.slice(0, maxLines).map(formatFinding)
  if (findings.length > maxLines) lines.push(`… and ${findings.length - maxLines} more`)
  lines.push(count(findings.length, 'finding'))
  return lines.join('\n')
}

/** `config/tidegate.yaml: valid (1 listener, 3 routes, 2 services, 1 source)` */
export function reportValid({ file, config }: LoadedConfig): string {
  return `${file}: valid (${summaryOf(config)})`
}

/** What `tidegate check FILE` prints, and its exit code. */
export async function checkFile(file: string): Promise<{ exitCode: 0 | 1; text: string }> {
  try {
    const loaded = await loadConfig(file)
    const warnings = loaded.warnings.map((warning) => `warning: ${formatFinding(warning)}`)
    return { exitCode: 0, text: [...warnings, reportValid(loaded)].join('\n') }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { exitCode: 1, text: reportFindings(error.findings) }
  }
}

function summaryOf({ listeners, routes, services, discovery }: Config): string {
  return [
    count(listeners.length, 'listener'),
    count(routes.length, 'route'),
    count(services.length, 'service'),
    count(discovery.length, 'source'),
  ].join(', ')
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}
