import { consul } from './consul/source.ts'
import type { ConsulOptions } from './consul/options.ts'
import type { Discovery } from './contract.ts'
import { fileSource, type FileContext, type FileOptions } from './file/source.ts'
import { staticList, type StaticOptions } from './static.ts'

/** A source's configuration with all defaults filled in, by its `type`. */
export interface DiscoveryOptionsByType {
  readonly consul: ConsulOptions
  readonly static: StaticOptions
  readonly file: FileOptions
}

/** What sources are given: each takes of it what it needs. */
export type SourceContext = FileContext

export type DiscoveryType = keyof DiscoveryOptionsByType

/** Every kind of source, by the `type` it has in the configuration. */
export const discoveries: {
  readonly [Type in DiscoveryType]: (options: DiscoveryOptionsByType[Type], context: SourceContext) => Discovery
} = {
  consul,
  static: staticList,
  file: fileSource,
}

/** Makes the source of a configuration entry; it opens no connection before the first watch. */
export function createDiscovery<Type extends DiscoveryType>(
  options: DiscoveryOptionsByType[Type] & { readonly type: Type },
  context: SourceContext,
): Discovery {
  return discoveries[options.type](options, context)
}
