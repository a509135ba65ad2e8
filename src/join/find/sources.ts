import type { Discovery } from '../../discovery/contract.ts'
import { createDiscovery } from '../../discovery/index.ts'
import type { DiscoveryContext } from '../../discovery/context.ts'
import { etcdPlace } from '../etcd/place.ts'
import { mdnsPlace } from '../mdns/place.ts'
import { openMdnsSource } from '../mdns/source.ts'
import { refuseOtherParams, type RegistryPlace } from '../registry-url.ts'
import { type Lease, SharedByUrl } from '../shared-by-url.ts'

/** Every registry in which services can be found by URL. `tidegate` is the embedded one, which speaks Consul's API. */
export const sources: Readonly<Record<string, (place: RegistryPlace) => Discovery>> = {
  consul: openConsul,
  tidegate: openConsul,
  etcd: openEtcd,
  mdns: (place) => openMdnsSource(mdnsPlace(place), context),
}

function openConsul(place: RegistryPlace): Discovery {
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
    tls: null,
  } as const
  return createDiscovery(options, context)
}

function openEtcd(place: RegistryPlace): Discovery {
  const { endpoints, prefix, format, username, password, tls } = etcdPlace(place)
  const options = { endpoints, prefix, format: format ?? 'auto', username, password, tls } as const
  return createDiscovery<'etcd'>({ name: 'etcd', type: 'etcd', ...options }, context)
}

const context: DiscoveryContext = { random: Math.random, onSkipped: () => {} }
const shared = new SharedByUrl(sources)

/** @throws RegisterError `invalid` */
export function leaseSource(url: string): Lease<Discovery> {
  return shared.lease(url)
}
