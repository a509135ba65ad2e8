import type { TLSSocket } from 'node:tls'
import type { ClientAuthSettings } from '../../core/snapshot.ts'

/**
 * Whether a client may come in with what it has shown: a certificate of the right authority, or none where none is required. A
 * resumed session brings the verdict of the handshake that it was made in; that the certificate has not expired since is asked
 * again.
 */
export function isAcceptable(secured: TLSSocket, mode: ClientAuthSettings['mode']): boolean {
  const certificate = secured.getPeerX509Certificate()
  if (certificate === undefined) return mode === 'optional'
  if (!secured.authorized) return false
  return !secured.isSessionReused() || Date.parse(certificate.validTo) > Date.now()
}

/**
 * The verified certificate as a value of `x-forwarded-client-cert`, in Envoy's form: its SHA-256 and its subject; null when the
 * client has shown none.
 */
export function forwardedClientCertificate(secured: TLSSocket): string | null {
  const certificate = secured.getPeerX509Certificate()
  if (certificate === undefined) return null
  const hash = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
  return `Hash=${hash};Subject="${distinguishedName(certificate.subject)}"`
}

/**
 * A subject as a distinguished name of RFC 2253, the most specific part first. Whatever its section 2.4 has escaped, and all
 * that is not ASCII, is in hexadecimal (`\2C`): no reader, however simple, takes part of a value for a separator, or a backslash
 * for the escape of the closing quote.
 *
 * @param subject as Node has it: a line per part, the most general first, escaped but for letters beyond ASCII
 */
export function distinguishedName(subject: string): string {
  return subject
    .split('\n')
    .toReversed()
    .map((part) => part.replaceAll(' + ', '+').replace(/\\([\da-f]{2})|\\(.)|[^ -~]/gisu, hexadecimal))
    .join(',')
}

function hexadecimal(written: string, code: string | undefined, escaped: string | undefined): string {
  if (code !== undefined) return written.toUpperCase()
  return [...Buffer.from(escaped ?? written, 'utf8')]
    .map((byte) => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')
}
