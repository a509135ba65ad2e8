import type { LoadedConfig } from './config.ts'
import { type Environment, expandEnvironment } from './env.ts'
import { ConfigError, type Finding, formatPath, type Problem } from './finding.ts'
import { freezeDeep } from './freeze-deep.ts'
import { normalize } from './normalize.ts'
import type { Written } from './written.ts'
import { validate } from './validate.ts'
import { readYaml } from './read-yaml.ts'

export interface ParseOptions {
  /** For findings, and what `stateDir` is relative to. */
  readonly file: string
  readonly env: Environment
}

/** Reads a YAML or JSON text. Throws a ConfigError, with all findings, and nothing else. Touches neither disk nor network. */
export function parseConfig(text: string, options: ParseOptions): LoadedConfig {
  return finish(readYaml(text), options)
}

/** What is the same for every notation. */
export function finish(written: Written, { file, env }: ParseOptions): LoadedConfig {
  const refuse = (problems: readonly Problem[]): never => {
    throw new ConfigError(problems.map((problem) => toFinding(problem, file, written)).toSorted(byPlace))
  }
  if (written.problems.length > 0) return refuse(written.problems)
  const validated = validate(expandEnvironment(written.tree, env))
  if (validated.problems !== null) return refuse(validated.problems)
  const { config, problems } = normalize(validated.config, { file, locate: written.locate })
  if (problems.length > 0) return refuse(problems)
  return { file, config: freezeDeep(config), written: written.tree }
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
