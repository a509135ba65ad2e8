import type { Path, Problem } from './finding.ts'
import type { ParsedConfig } from './schema.ts'
import type { ServiceLayer } from './schema/services.ts'
import { writtenSources } from './service-sources.ts'

/** A `filter` is in the language of a registry that has one: all of a service's sources have to be such. */
export function checkSubsets({ defaults, services, discovery }: ParsedConfig): Problem[] {
  const [firstSource = ''] = Object.keys(discovery)
  const typeOf = (source: string) => discovery[source]?.type ?? 'consul'
  const check = (stated: ServiceLayer, path: Path): Problem[] => {
    const { from, subset } = { ...defaults.service, ...stated }
    const alien = writtenSources(from ?? firstSource, [...path, 'from']).find(
      ({ source }) => typeOf(source) !== 'consul',
    )
    if (subset?.filter == null || alien === undefined) return []
    // What a default says is complained about where a service makes it wrong.
    const at = stated.subset === undefined ? alien.path : [...path, 'subset', 'filter']
    const which = Array.isArray(from) ? `"${alien.source}"` : 'this'
    const message = `a \`filter\` is for sources of \`type: consul\`, ${which} is ${typeOf(alien.source)}`
    return [{ path: at, message, hint: 'choose by `tags` and `version`, which work with every source' }]
  }
  return [
    ...check(defaults.service, ['defaults', 'service']),
    ...Object.entries(services)
      .filter(([, stated]) => stated.from !== undefined || stated.subset !== undefined)
      .flatMap(([key, stated]) => check(stated, ['services', key])),
  ]
}
