import { dirname } from 'node:path'
import type { LoadedConfig } from './config.ts'
import { type Environment, expandEnvironment } from './env.ts'
import type { FileVersion } from '../util/file-version.ts'
import { ConfigError, type Finding, formatPath, type Problem } from './finding.ts'
import { freezeDeep } from './freeze-deep.ts'
import { normalize } from './normalize.ts'
import { readTls } from './tls/read-tls.ts'
import type { Written } from './written.ts'
import { validate } from './validate.ts'
import { readYaml } from './read-yaml.ts'

export interface ParseOptions {
  /** For findings, and what the paths in it are relative to. */
  readonly file: string
  readonly env: Environment
}

/**
 * Reads a YAML or JSON text. Throws a ConfigError, with all findings, and nothing else. Touches no network, and of the disk
 * only the certificates and keys that the text names.
 */
export async function parseConfig(text: string, options: ParseOptions): Promise<LoadedConfig> {
  return finish(readYaml(text), options)
}

/** What is the same for every notation. */
export async function finish(written: Written, { file, env }: ParseOptions): Promise<LoadedConfig> {
  const toFindings = (problems: readonly Problem[]): Finding[] =>
    problems.map((problem) => toFinding(problem, file, written)).toSorted(byPlace)
  const refuse = (problems: readonly Problem[], files: readonly FileVersion[] = []): never => {
    throw new ConfigError(toFindings(problems), files)
  }
  if (written.problems.length > 0) return refuse(written.problems)
  const validated = validate(expandEnvironment(written.tree, env))
  if (validated.problems !== null) return refuse(validated.problems)
  const tls = await readTls(validated.config, dirname(file))
  const { config, problems } = normalize(validated.config, { file, locate: written.locate, tls })
  if (problems.length > 0) return refuse(problems, tls.files)
  const warnings = toFindings(tls.warnings)
  return { file, config: freezeDeep(config), written: written.tree, warnings, files: tls.files }
}

function toFinding(problem: Problem, file: string, written: Written): Finding {
  const position = problem.position ?? written.locate(problem.path, problem.atKey ?? false)
  return {
    file,
    line: position?.line ?? null,
    column: position?.column ?? null,
    path: formatPath(problem.path),
    message: problem.message,
    ...(problem.hint !== undefined && { hint: problem.hint }),
  }
}

function byPlace(a: Finding, b: Finding): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
}
