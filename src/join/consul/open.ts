import { RegisterError } from '../register-error.ts'
import type { Registrar } from '../registrar.ts'
import { refuseOtherParams, type RegistryPlace } from '../registry-url.ts'
import { ConsulRegistrar } from './registrar.ts'

const defaultHost = '127.0.0.1:8500'

/** `consul://HOST:PORT[?token=…][&tls=true]`; without a token, CONSUL_HTTP_TOKEN. Opens no connection yet. */
export function openConsul(place: RegistryPlace): Registrar {
  refuseOtherParams(place, ['token', 'tls'])
  const [host = defaultHost, ...others] = place.hosts
  if (others.length > 0) {
    throw new RegisterError('invalid', 'a service registers at one agent of Consul, that of its own machine; name one')
  }
  const url = `${place.params.get('tls') === 'true' ? 'https' : 'http'}://${host}`
  if (!URL.canParse(url)) throw new RegisterError('invalid', `${JSON.stringify(host)} is no host and port`)
  const token = place.params.get('token') ?? process.env.CONSUL_HTTP_TOKEN ?? ''
  return new ConsulRegistrar({ url, token: token === '' ? null : token })
}
