import { X509Certificate } from 'node:crypto'
import type { ListenerCertificate, ListenerTlsSettings } from '../../src/core/snapshot.ts'
import { hostNames } from '../../src/config/tls/certificate.ts'
import type { Certificate } from './certificates.ts'

/** A listener's `tls` as it crosses to a data thread, with these certificates. */
export function listenerTls(
  certificates: readonly Certificate[],
  overrides: Partial<Omit<ListenerTlsSettings, 'certificates'>> = {},
): ListenerTlsSettings {
  return { certificates: certificates.map(listenerCertificate), minVersion: 'TLSv1.2', clientAuth: null, ...overrides }
}

function listenerCertificate({ cert, key }: Certificate): ListenerCertificate {
  const parsed = new X509Certificate(cert)
  const names = hostNames(parsed)
  const keyType = parsed.publicKey.asymmetricKeyType ?? ''
  return { cert, key, names, keyType, label: names[0] ?? '', expiresMs: Date.parse(parsed.validTo) }
}
