import type { ServiceSourceConfig } from './config.ts'
import type { Path, Problem } from './finding.ts'
import type { ServiceLayer } from './schema/services.ts'
import { didYouMean } from '../util/suggest.ts'

type From = NonNullable<ServiceLayer['from']>

/** @param name of the service in sources that have no name of their own for it */
export function sourcesOf(from: From, name: string): readonly ServiceSourceConfig[] {
  return entriesOf(from).map((entry) => {
    if (typeof entry === 'string') return { source: entry, name, weightPercent: 100 }
    return { source: entry.source, name: entry.name ?? name, weightPercent: entry.weight }
  })
}

/** @param sources names of those that there are */
export function checkFrom(from: From, sources: readonly string[], path: Path): Problem[] {
  const seen = new Set<string>()
  return writtenSources(from, path).flatMap(({ source, path: at }): Problem[] => {
    if (!sources.includes(source)) {
      const hint = didYouMean(source, sources).hint ?? `there is ${sources.map((name) => `"${name}"`).join(', ')}`
      return [{ path: at, message: `no source in \`discovery\` is called "${source}"`, hint }]
    }
    if (seen.has(source)) return [{ path: at, message: `"${source}" is in the list twice` }]
    seen.add(source)
    return []
  })
}

/** @returns the name of each source, and where it is written */
export function writtenSources(from: From, path: Path): readonly { readonly source: string; readonly path: Path }[] {
  return entriesOf(from).map((entry, index) => {
    const inList = typeof from === 'string' ? path : [...path, index]
    if (typeof entry === 'string') return { source: entry, path: inList }
    return { source: entry.source, path: [...inList, 'source'] }
  })
}

function entriesOf(from: From) {
  return typeof from === 'string' ? [from] : from
}
