import { consul } from './consul/source.ts'
import type { ConsulOptions } from './consul/options.ts'
import type { DiscoveryContext } from './context.ts'
import type { Discovery } from './contract.ts'
import type { DnsOptions } from './dns/options.ts'
import { dns } from './dns/source.ts'
import type { MdnsOptions } from './mdns/options.ts'
import { mdns } from './mdns/source.ts'
import type { EtcdOptions } from './etcd/options.ts'
import { etcd } from './etcd/source.ts'
import { fileSource, type FileContext, type FileOptions } from './file/source.ts'
import { staticList, type StaticOptions } from './static.ts'

/** A source's configuration with all defaults filled in, by its `type`. */
export interface DiscoveryOptionsByType {
  readonly consul: ConsulOptions
  readonly mdns: MdnsOptions
  readonly etcd: EtcdOptions
  readonly static: StaticOptions
  readonly dns: DnsOptions
  readonly file: FileOptions
}

export type DiscoveryType = keyof DiscoveryOptionsByType

/** What a source is given besides its options, by its `type`. */
export type DiscoveryContextByType = {
  readonly [Type in DiscoveryType]: Type extends 'file' ? FileContext : DiscoveryContext
}

/** Every kind of source, by the `type` it has in the configuration. */
export const discoveries: {
  readonly [Type in DiscoveryType]: (
    options: DiscoveryOptionsByType[Type],
    context: DiscoveryContextByType[Type],
  ) => Discovery
} = {
  consul,
  mdns,
  etcd,
  static: staticList,
  dns,
  file: fileSource,
}

/** Makes the source of a configuration entry; it opens no connection before the first watch. */
export function createDiscovery<Type extends DiscoveryType>(
  options: DiscoveryOptionsByType[Type] & { readonly type: Type },
  context: DiscoveryContextByType[Type],
): Discovery {
  return discoveries[options.type](options, context)
}
