/** What a PromQL expression reads. */
export interface PromqlUse {
  readonly metrics: readonly { readonly name: string; readonly labels: readonly string[] }[]
  /** The labels of its `by (…)`. */
  readonly groupings: readonly string[]
}

const words = new Set(['by', 'and', 'or', 'unless', 'bool', 'offset'])

/** Reads the names in an expression; for those of this repository, which have no `without`, no `on` and no subqueries. */
export function readPromql(expression: string): PromqlUse {
  const groupings = new Set<string>()
  const metrics: PromqlUse['metrics'][number][] = []
  expression
    .replaceAll(/"[^"]*"/g, '""')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\bby\s*\(([^)]*)\)/g, (_, labels: string) => {
      for (const label of namesIn(labels)) groupings.add(label)
      return ''
    })
    .replaceAll(/([a-zA-Z_:][\w:]*)(?:\s*\{([^}]*)\})?(\s*\()?/g, (_, name: string, matchers = '', isCall = '') => {
      if (isCall === '' && !words.has(name)) metrics.push({ name, labels: namesIn(matchers as string) })
      return ''
    })
  return { metrics, groupings: [...groupings] }
}

function namesIn(list: string): string[] {
  return list.match(/[a-zA-Z_]\w*/g) ?? []
}
