import { isIP } from 'node:net'
import { checkServerIdentity, createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls'

/** What handshakes need that is costly to make: to be kept. @param given PEM; `ca` null = the public authorities */
export function clientContext(given: {
  readonly ca: string | null
  readonly keyPair: { readonly cert: string; readonly key: string } | null
}): SecureContext {
  const { ca, keyPair } = given
  return createSecureContext({ minVersion: 'TLSv1.2', ...(ca !== null && { ca }), ...keyPair })
}

/** For `tls.connect`, or an agent that calls it. @param name what the certificate has to be for: a host name, or an address */
export function clientTls(secureContext: SecureContext, name: string, verify: boolean): ConnectionOptions {
  return {
    secureContext,
    rejectUnauthorized: verify,
    ALPNProtocols: ['http/1.1'],
    // RFC 6066 section 3: an address is no server name. Empty, lest another one is taken from a Host field.
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
  }
}
