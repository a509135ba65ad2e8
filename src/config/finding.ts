import type { FileVersion } from '../util/file-version.ts'

/** Keys and indexes from the top of the configuration down to a value. */
export type Path = readonly (string | number)[]

/** Both count from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** Something wrong with a value of the tree, before anyone knows where in the file that value stands. */
export interface Problem {
  readonly path: Path
  readonly message: string
  /** The way out, as a phrase that can follow the message. */
  readonly hint?: string
  /** True where the key is wrong rather than its value. */
  readonly atKey?: boolean
  /** Known only for syntax errors, which have no path. */
  readonly position?: Position
}

/** Something wrong with a configuration file, for people. */
export interface Finding {
  /** As the caller named it. */
  readonly file: string
  /** Null where there are no positions: TypeScript configurations, and the file as a whole. */
  readonly line: number | null
  readonly column: number | null
  /** `routes[2].path`; empty for the file as a whole. */
  readonly path: string
  readonly message: string
  readonly hint?: string
}

/** A configuration that can't be used, with every reason that was found. The only error the loader throws. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly findings: readonly Finding[]
  /** Certificates and keys that were looked for, to be looked at again when they change. */
  readonly files: readonly FileVersion[]

  constructor(findings: readonly Finding[], files: readonly FileVersion[] = []) {
    super(findings.map(formatFinding).join('\n'))
    this.findings = findings
    this.files = files
  }
}

/** `config/tidegate.yaml:12:5 services.user-service.balancr: unknown key; did you mean "balancer"?` */
export function formatFinding(finding: Finding): string {
  const place = finding.line === null ? finding.file : `${finding.file}:${finding.line}:${finding.column}`
  const subject = finding.path === '' ? place : `${place} ${finding.path}`
  return `${subject}: ${finding.message}${finding.hint === undefined ? '' : `; ${finding.hint}`}`
}

/** `routes[2].headers.x-beta`; keys that would read ambiguously are quoted in brackets. */
export function formatPath(path: Path): string {
  return path
    .map((part, depth) => {
      if (typeof part === 'number') return `[${part}]`
      if (!/^[\w$*-]+$/.test(part)) return `[${JSON.stringify(part)}]`
      return depth === 0 ? part : `.${part}`
    })
    .join('')
}
