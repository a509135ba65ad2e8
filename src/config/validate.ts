import type { Expansion } from './env.ts'
import { formatPath, type Path, type Problem } from './finding.ts'
import { findNotBuilt } from './not-built.ts'
import { configSchema, type ParsedConfig } from './schema.ts'
import { describeIssues, findTextsForScalars } from './schema-issues.ts'

export type Validation =
  | { readonly config: ParsedConfig; readonly problems: null }
  | { readonly config: null; readonly problems: readonly Problem[] }

/** Checks an expanded tree against the schema. */
export function validate(expansion: Expansion): Validation {
  const known = [...expansion.problems, ...findNotBuilt(expansion.tree)]
  let { tree } = expansion
  let result = configSchema.safeParse(tree)
  if (!result.success) {
    const scalars = findTextsForScalars(result.error.issues, tree).filter(({ path }) =>
      expansion.expanded.has(formatPath(path)),
    )
    for (const { path, value } of scalars) tree = replaceAt(tree, path, value)
    if (scalars.length > 0) result = configSchema.safeParse(tree)
  }
  if (result.success && known.length === 0) return { config: result.data, problems: null }
  const issues = result.success ? [] : describeIssues(result.error.issues, tree)
  return {
    config: null,
    problems: [...known, ...issues.filter(({ path }) => !known.some((at) => isWithin(path, at.path)))],
  }
}

/** What was said about a key already need not be said again about what is in it. */
function isWithin(path: Path, outer: Path): boolean {
  return outer.length <= path.length && outer.every((part, index) => part === path[index])
}

function replaceAt(tree: unknown, path: Path, value: unknown): unknown {
  const [part, ...rest] = path
  if (part === undefined) return value
  if (Array.isArray(tree)) return tree.with(Number(part), replaceAt(tree[Number(part)], rest, value))
  const object = tree as Record<string, unknown>
  return { ...object, [part]: replaceAt(object[part], rest, value) }
}
