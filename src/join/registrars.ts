import { didYouMean } from '../util/suggest.ts'
import { openConsul } from './consul/open.ts'
import { openEtcd } from './etcd/open.ts'
import { openMdns } from './mdns/open.ts'
import { RegisterError } from './register-error.ts'
import type { Registrar } from './registrar.ts'
import { parseRegistryUrl, type RegistryPlace } from './registry-url.ts'

/** Every registry that services can join, by the scheme of its URL. `tidegate` is the embedded one, which speaks Consul's API. */
export const registrars: Readonly<Record<string, (place: RegistryPlace) => Registrar>> = {
  consul: openConsul,
  tidegate: openConsul,
  etcd: openEtcd,
  mdns: openMdns,
}

interface Shared {
  readonly registrar: Registrar
  users: number
}

/** However many services a process joins, each registry has one pool of connections. */
const open = new Map<string, Shared>()

/** A registrar for the URL, shared with all others that use the same one now. */
export interface RegistrarLease {
  readonly registrar: Registrar
  /** Closes it when nobody else uses it. */
  release(): Promise<void>
}

/** @throws RegisterError `invalid` */
export function leaseRegistrar(url: string): RegistrarLease {
  const shared = open.get(url) ?? { registrar: openRegistrar(url), users: 0 }
  open.set(url, shared)
  shared.users++
  let isReleased = false
  return {
    registrar: shared.registrar,
    release: async () => {
      if (isReleased) return
      isReleased = true
      if (--shared.users > 0) return
      open.delete(url)
      await shared.registrar.close()
    },
  }
}

function openRegistrar(url: string): Registrar {
  const place = parseRegistryUrl(url)
  const opens = Object.hasOwn(registrars, place.scheme) ? registrars[place.scheme] : undefined
  if (opens === undefined) {
    const known = Object.keys(registrars)
    const hint = didYouMean(place.scheme, known).hint ?? `there is ${known.join(', ')}`
    throw new RegisterError('invalid', `no registry is called ${JSON.stringify(place.scheme)}; ${hint}`)
  }
  return opens(place)
}
