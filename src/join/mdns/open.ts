import type { Registrar } from '../registrar.ts'
import type { RegistryPlace } from '../registry-url.ts'
import { mdnsPlace } from './place.ts'
import { MdnsRegistrar } from './registrar.ts'

/** What `mdnsPlace` reads. Opens no socket yet. */
export function openMdns(place: RegistryPlace): Registrar {
  return new MdnsRegistrar(mdnsPlace(place))
}
