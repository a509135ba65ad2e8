import type { Instance } from '../../core/instance.ts'

/** Which service of which registry is meant, and which of its instances. */
export interface Target {
  /** Of the registry, with its parameters: `consul://127.0.0.1:8500?token=…`. */
  readonly registry: string
  /** The service's name there. */
  readonly service: string
  /** Only instances with this tag; null = all. */
  readonly tag: string | null
  readonly version: string | null
}

/** Parameters that choose instances; all others are the registry's. */
const choosing = ['tag', 'version']

/**
 * Reads `SCHEME://[HOST:PORT]/SERVICE[?tag=…&version=…&…]` from its parts. In etcd the path is the key's own beginning, as in etcd's resolver for
 * grpc-go: `etcd:////micro/services/user` and `etcd:///user` are the keys `/micro/services/user/…` and `user/…`.
 *
 * @param path as it follows the authority's slash, with the query
 * @returns null where it names no service
 */
export function targetOf(scheme: string, authority: string, path: string): Target | null {
  const [written = '', query = ''] = path.split(/\?(.*)/s, 2)
  const params = new URLSearchParams(query)
  const ofRegistry = new URLSearchParams([...params].filter(([name]) => !choosing.includes(name)))
  const { service, prefix } = scheme === 'etcd' ? splitKey(written) : { service: written, prefix: null }
  if (service === '') return null
  if (prefix !== null) ofRegistry.set('prefix', decodeURIComponent(prefix))
  const suffix = ofRegistry.size === 0 ? '' : `?${ofRegistry.toString()}`
  return {
    registry: `${scheme}://${authority}${suffix}`,
    service: decodeURIComponent(service),
    tag: params.get('tag'),
    version: params.get('version'),
  }
}

/** The service is the last part of the key; what precedes it is the prefix. */
function splitKey(path: string): { readonly service: string; readonly prefix: string } {
  const key = path.replace(/\/$/, '')
  const slash = key.lastIndexOf('/')
  // The one slash of `/user` is all the prefix.
  return { service: key.slice(slash + 1), prefix: key.slice(0, slash === 0 ? 1 : Math.max(0, slash)) }
}

/** Whether the registry lets an instance serve, and the target asks for it. */
export function isWanted({ status, weight, tags, version }: Instance, target: Target): boolean {
  if (status !== 'passing' && status !== 'warning') return false
  if (weight <= 0) return false
  if (target.tag !== null && !tags.includes(target.tag)) return false
  return target.version === null || version === target.version
}
