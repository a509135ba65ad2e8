import type { Registrar } from '../registrar.ts'
import type { RegistryPlace } from '../registry-url.ts'
import { etcdPlace } from './place.ts'
import { EtcdRegistrar } from './registrar.ts'

/** What `etcdPlace` reads. Opens no connection yet. */
export function openEtcd(place: RegistryPlace): Registrar {
  return new EtcdRegistrar(etcdPlace(place))
}
