import type { Path, Problem } from './finding.ts'

interface NotBuilt {
  /** Path of the key; `*` stands for any key or index. */
  readonly at: string
  /** Only these values; without it, the key with any value. */
  readonly when?: (value: unknown) => boolean
  /** What the message says is not built. */
  readonly what: string
  /** What to write instead, if there is something. */
  readonly hint?: string
}

/** What the documentation promises and this version does not have. A feature that is built deletes its line. */
const notBuilt: readonly NotBuilt[] = [
  { at: 'listeners.*.tls', what: '`tls` on a listener' },
  { at: 'listeners.*.engine', when: oneOf('standard'), what: '`engine: standard`', hint: 'leave it out' },
  { at: 'discovery.*.type', when: oneOf('etcd', 'mdns', 'dns', 'file'), what: 'this type of source' },
  { at: 'discovery.*.subset', what: '`subset` on a source' },
  { at: 'discovery.*.routesFromTags', what: '`routesFromTags` on a source' },
  ...onServices('from', 'a service from several sources', Array.isArray),
  ...onServices('balancer', 'this balancer', oneOf('peak-ewma', 'consistent-hash')),
  ...onServices('protocol', 'this protocol', oneOf('h2c', 'h2')),
  ...onServices('outlier.successRate', '`successRate` ejection'),
  ...onServices('healthCheck', '`healthCheck` on a service'),
  ...onServices('hash', '`hash` on a service'),
  ...onServices('slowStart', '`slowStart` on a service'),
  ...onServices('tls', '`tls` to an upstream'),
  ...onServices('maxRequests', '`maxRequests` on a service'),
  ...onServices('maxPending', '`maxPending` on a service'),
  ...onRoutes('retry.on', 'retrying on named failures and statuses', isFilledArray),
  ...['middlewares', 'auth', 'limits', 'cache', 'cors'].flatMap((key) => [
    { at: key, what: `\`${key}\`` },
    ...onServices(key, `\`${key}\` on a service`),
    ...onRoutes(key, `\`${key}\` on a route`),
  ]),
]

function onServices(key: string, what: string, when?: (value: unknown) => boolean): NotBuilt[] {
  return ['services.*', 'defaults.service'].map((place) => ({ at: `${place}.${key}`, what, ...(when && { when }) }))
}

function onRoutes(key: string, what: string, when?: (value: unknown) => boolean): NotBuilt[] {
  return ['routes.*', 'defaults.route'].map((place) => ({ at: `${place}.${key}`, what, ...(when && { when }) }))
}

function oneOf(...values: string[]): (value: unknown) => boolean {
  return (value) => values.includes(value as string)
}

function isFilledArray(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0
}

/** One problem per key of the tree whose feature is not built yet. */
export function findNotBuilt(tree: unknown): Problem[] {
  return notBuilt.flatMap(({ at, when, what, hint }) =>
    places(tree, at.split('.'), [])
      .filter(({ value }) => when === undefined || when(value))
      .map(({ path, value }) => ({
        path,
        message: `${named(what, value)} is not built yet; it comes with a later version`,
        atKey: when === undefined,
        ...(hint !== undefined && { hint }),
      })),
  )
}

function named(what: string, value: unknown): string {
  return typeof value === 'string' && what.startsWith('this ') ? `${what} (${value})` : what
}

function places(value: unknown, pattern: readonly string[], path: Path): { path: Path; value: unknown }[] {
  const [next, ...rest] = pattern
  if (next === undefined) return [{ path, value }]
  if (typeof value !== 'object' || value === null) return []
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return entries
    .filter(([key]) => next === '*' || key === next)
    .flatMap(([key, inner]) => places(inner, rest, [...path, key]))
}
