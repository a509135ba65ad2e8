import { RegisterError } from '../register-error.ts'
import { refuseOtherParams, type RegistryPlace } from '../registry-url.ts'

/** What an `mdns://` URL says. */
export interface MdnsPlace {
  /** `local`, or `micro` for go-micro; without a final dot. */
  readonly domain: string
  readonly port: number
  /** Names or IPv4 addresses of the interfaces to use; null = all. */
  readonly interfaces: readonly string[] | null
}

const defaultDomain = 'local'
const defaultPort = 5353
const domainName = /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/

/**
 * Reads `mdns://[DOMAIN.][:PORT][?interfaces=NAME,…]`: the domain is `local.` for DNS-SD, which is the default, or `micro.` for go-micro. Another UDP
 * port than 5353 is heard by nobody who does not name it, too.
 * @throws RegisterError `invalid`
 */
export function mdnsPlace(place: RegistryPlace): MdnsPlace {
  refuseOtherParams(place, ['interfaces'])
  const [written = '', ...others] = place.hosts
  const [, name = '', port = String(defaultPort)] = /^([^:]*?)\.?(?::(\d+))?$/.exec(written) ?? []
  const domain = name === '' ? defaultDomain : name.toLowerCase()
  const isRead = written === '' || name !== '' || written.startsWith(':')
  if (others.length > 0 || !isRead || !domainName.test(domain)) {
    throw new RegisterError(
      'invalid',
      `${JSON.stringify(place.hosts.join())} is no domain of mDNS; write "local." or "micro."`,
    )
  }
  if (place.path !== '' && place.path !== '/') {
    throw new RegisterError('invalid', `mDNS has no ${JSON.stringify(place.path)}; write mdns://${domain}. alone`)
  }
  const interfaces = place.params.get('interfaces') ?? ''
  return { domain, port: Number(port), interfaces: interfaces === '' ? null : interfaces.split(',') }
}
