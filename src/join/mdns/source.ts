import type { DiscoveryContext } from '../../discovery/context.ts'
import type { Discovery } from '../../discovery/contract.ts'
import { mdnsLimits } from '../../discovery/mdns/options.ts'
import { mdns } from '../../discovery/mdns/source.ts'
import type { MdnsPlace } from './place.ts'

/** The same place, for readers. */
export function openMdnsSource({ domain, interfaces, port }: MdnsPlace, context: DiscoveryContext): Discovery {
  return mdns({ name: 'mdns', type: 'mdns', domain, interfaces }, context, { ...mdnsLimits, port })
}
