import { openConsul } from './consul/open.ts'
import { openEtcd } from './etcd/open.ts'
import { openMdns } from './mdns/open.ts'
import type { Registrar } from './registrar.ts'
import type { RegistryPlace } from './registry-url.ts'
import { type Lease, SharedByUrl } from './shared-by-url.ts'

/** Every registry that services can join, by the scheme of its URL. `tidegate` is the embedded one, which speaks Consul's API. */
export const registrars: Readonly<Record<string, (place: RegistryPlace) => Registrar>> = {
  consul: openConsul,
  tidegate: openConsul,
  etcd: openEtcd,
  mdns: openMdns,
}

const shared = new SharedByUrl(registrars)

/** @throws RegisterError `invalid` */
export function leaseRegistrar(url: string): Lease<Registrar> {
  return shared.lease(url)
}
