import type { Discovery } from '../../discovery/contract.ts'
import { createDiscovery } from '../../discovery/index.ts'
import type { DiscoveryContext } from '../../discovery/context.ts'
import { etcdPlace } from '../etcd/place.ts'
import { mdnsPlace } from '../mdns/place.ts'
import { openMdnsSource } from '../mdns/source.ts'
import { didYouMean } from '../../util/suggest.ts'
import { RegisterError } from '../register-error.ts'
import { parseRegistryUrl, refuseOtherParams, type RegistryPlace } from '../registry-url.ts'

/** Every registry in which services can be found by URL. `tidegate` is the embedded one, which speaks Consul's API. */
export const sources: Readonly<Record<string, (place: RegistryPlace, context: DiscoveryContext) => Discovery>> = {
  consul: openConsul,
  tidegate: openConsul,
  etcd: openEtcd,
  mdns: (place, context) => openMdnsSource(mdnsPlace(place), context),
}

function openConsul(place: RegistryPlace, context: DiscoveryContext): Discovery {
  refuseOtherParams(place, ['token', 'dc', 'tls'])
  const [host = '127.0.0.1:8500'] = place.hosts
  const token = place.params.get('token') ?? process.env.CONSUL_HTTP_TOKEN ?? ''
  const options = {
    name: place.scheme,
    type: 'consul',
    address: `${place.params.get('tls') === 'true' ? 'https' : 'http'}://${host}`,
    token: token === '' ? null : token,
    datacenter: place.params.get('dc') ?? null,
    datacenters: null,
    routesFromTags: null,
  } as const
  return createDiscovery(options, context)
}

function openEtcd(place: RegistryPlace, context: DiscoveryContext): Discovery {
  const { endpoints, prefix, format, username, password, tls } = etcdPlace(place)
  const options = { endpoints, prefix, format: format ?? 'auto', username, password, tls } as const
  return createDiscovery<'etcd'>({ name: 'etcd', type: 'etcd', ...options }, context)
}

interface Shared {
  readonly discovery: Discovery
  users: number
}

const open = new Map<string, Shared>()

/** A source shared with all others of this process that use the same registry now. */
export interface SourceLease {
  readonly discovery: Discovery
  /** Closes it when nobody else uses it. */
  release(): Promise<void>
}

/** @throws RegisterError `invalid` */
export function leaseSource(url: string): SourceLease {
  const shared = open.get(url) ?? { discovery: openSource(url), users: 0 }
  open.set(url, shared)
  shared.users++
  let isReleased = false
  return {
    discovery: shared.discovery,
    release: async () => {
      if (isReleased) return
      isReleased = true
      if (--shared.users > 0) return
      open.delete(url)
      await shared.discovery.close()
    },
  }
}

function openSource(url: string): Discovery {
  const place = parseRegistryUrl(url)
  const opens = Object.hasOwn(sources, place.scheme) ? sources[place.scheme] : undefined
  if (opens === undefined) {
    const known = Object.keys(sources)
    const hint = didYouMean(place.scheme, known).hint ?? `there is ${known.join(', ')}`
    throw new RegisterError('invalid', `no registry is called ${JSON.stringify(place.scheme)}; ${hint}`)
  }
  return opens(place, { random: Math.random, onSkipped: () => {} })
}
