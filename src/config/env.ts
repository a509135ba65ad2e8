import { formatPath, type Path, type Problem } from './finding.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Expansion {
  /** A copy of the tree with `${…}` filled in. */
  readonly tree: unknown
  readonly problems: readonly Problem[]
  /** Formatted paths of the texts in which something was filled in. */
  readonly expanded: ReadonlySet<string>
}

const reference = /\$\$|\$\{([^}]*)\}?/g
const name = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * Fills `${NAME}` and `${NAME:-default}` into texts, once: what comes in is not looked at again. As in a shell, `:-` also
 * stands in for an empty variable. `$$` is a dollar; a dollar before anything else is itself. Keys are left alone.
 */
export function expandEnvironment(tree: unknown, env: Environment): Expansion {
  const problems: Problem[] = []
  const expanded = new Set<string>()

  const expandText = (text: string, path: Path): string =>
    text.replace(reference, (written, inner: string | undefined) => {
      if (inner === undefined) return '$'
      const result = lookUp(written, inner, env)
      if (typeof result === 'string') expanded.add(formatPath(path))
      else problems.push({ path, ...result })
      return typeof result === 'string' ? result : written
    })

  const expand = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return value.includes('$') ? expandText(value, path) : value
    if (Array.isArray(value)) return value.map((item, index) => expand(item, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, expand(inner, [...path, key])]))
  }

  return { tree: expand(tree, []), problems, expanded }
}

function lookUp(written: string, inner: string, env: Environment): string | { message: string; hint: string } {
  const split = inner.indexOf(':-')
  const variable = split === -1 ? inner : inner.slice(0, split)
  if (!written.endsWith('}') || !name.test(variable) || inner.includes('${')) {
    const message = `${JSON.stringify(written)} is no reference to a variable`
    return { message, hint: 'write ${NAME} or ${NAME:-default}, and "$$" for a dollar' }
  }
  const value = env[variable]
  if (split !== -1) return value === undefined || value === '' ? inner.slice(split + 2) : value
  if (value !== undefined) return value
  return { message: `\${${variable}} is not set`, hint: `set it, or write \${${variable}:-default}` }
}
