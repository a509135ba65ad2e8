import type { Path, Problem } from './finding.ts'
import type { ParsedConfig } from './schema.ts'
import type { ServiceLayer } from './schema/services.ts'

/** A `filter` is in the language of a registry that has one. */
export function checkSubsets({ defaults, services, discovery }: ParsedConfig): Problem[] {
  const [firstSource = ''] = Object.keys(discovery)
  const check = (stated: ServiceLayer, path: Path): Problem[] => {
    const { from, subset } = { ...defaults.service, ...stated }
    const type = discovery[from ?? firstSource]?.type
    if (subset?.filter == null || type === undefined || type === 'consul') return []
    // What a default says is complained about where a service makes it wrong.
    const at = stated.subset === undefined ? [...path, 'from'] : [...path, 'subset', 'filter']
    const message = `a \`filter\` is for sources of \`type: consul\`, this is ${type}`
    return [{ path: at, message, hint: 'choose by `tags` and `version`, which work with every source' }]
  }
  return [
    ...check(defaults.service, ['defaults', 'service']),
    ...Object.entries(services)
      .filter(([, stated]) => stated.from !== undefined || stated.subset !== undefined)
      .flatMap(([key, stated]) => check(stated, ['services', key])),
  ]
}
