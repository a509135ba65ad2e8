import type { Path, Problem } from './finding.ts'

const scopes = {
  configuration: { places: [''], noun: 'the configuration' },
  listener: { places: ['listeners.*.'], noun: 'a listener' },
  source: { places: ['discovery.*.'], noun: 'a source' },
  service: { places: ['services.*.', 'defaults.service.'], noun: 'a service' },
  route: { places: ['routes.*.', 'defaults.route.'], noun: 'a route' },
} as const

interface NotBuilt {
  readonly on: keyof typeof scopes
  readonly key: string
  /** Only these values of a key that exists. */
  readonly values?: readonly string[]
}

/** What the configuration's contract names and this version does not have. A feature that is built deletes its line. */
export const notBuilt: readonly NotBuilt[] = [
  { on: 'service', key: 'protocol', values: ['h2c', 'h2'] },
  ...['middlewares', 'auth', 'limits', 'cache', 'cors'].flatMap((key): NotBuilt[] => [
    { on: 'route', key },
    { on: 'configuration', key },
  ]),
]

/** What the line is about, in words: `` `tls` on a listener ``. */
export function nameOf({ on, key, values }: NotBuilt): string {
  if (values !== undefined) return values.map((value) => `\`${key}: ${value}\``).join(', ')
  return `\`${key}\` on ${scopes[on].noun}`
}

/** One problem per key of the tree whose feature is not built yet. */
export function findNotBuilt(tree: unknown): Problem[] {
  return notBuilt.flatMap((feature) =>
    scopes[feature.on].places
      .flatMap((place) => valuesAt(tree, `${place}${feature.key}`.split('.'), []))
      .filter(({ value }) => asksFor(feature, value))
      .map(({ path, value }) => problemOf(feature, path, value)),
  )
}

function asksFor({ values }: NotBuilt, value: unknown): boolean {
  return values === undefined || values.includes(value as string)
}

function problemOf(feature: NotBuilt, path: Path, value: unknown): Problem {
  const named = nameOf(feature.values === undefined ? feature : { ...feature, values: [String(value)] })
  const atKey = feature.values === undefined
  return { path, message: `${named} is not built yet; it comes with a later version`, atKey }
}

function valuesAt(value: unknown, pattern: readonly string[], path: Path): { path: Path; value: unknown }[] {
  const [next, ...rest] = pattern
  if (next === undefined) return [{ path, value }]
  if (typeof value !== 'object' || value === null) return []
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return entries
    .filter(([key]) => next === '*' || key === next)
    .flatMap(([key, inner]) => valuesAt(inner, rest, [...path, key]))
}
