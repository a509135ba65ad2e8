import type { ClientAuthSettings, ListenerCertificate, ListenerTlsSettings } from '../../core/snapshot.ts'
import type { Listener } from '../schema/listeners.ts'
import { commonName, hostNames } from './certificate.ts'
import { checkNames } from './names-once.ts'
import { authoritiesAt, keyPairAt, type Reading } from './reading.ts'

type TlsEntry = NonNullable<Listener['tls']>

/** A listener's `tls` with its files read and checked; null when there is something wrong, which is in `findings`. */
export async function readListenerTls(entry: TlsEntry, reading: Reading): Promise<ListenerTlsSettings | null> {
  const { findings } = reading
  const before = findings.problems.length
  const certificates: ListenerCertificate[] = []
  const places = entry.certificates.map(({ cert }, index) => ({ cert, path: [...reading.path, 'certificates', index] }))
  // One after the other: there may be more of them than a process may have files open.
  for (const [index, paths] of entry.certificates.entries()) {
    const certificate = await readCertificate(paths, { ...reading, path: places[index]?.path ?? [] })
    if (certificate !== null) certificates.push(certificate)
  }
  const clientAuth = await readClientAuth(entry, { ...reading, path: [...reading.path, 'clientAuth'] })
  if (findings.problems.length === before) findings.problems.push(...checkNames(certificates, places))
  if (findings.problems.length > before) return null
  return { certificates, minVersion: entry.minVersion, clientAuth }
}

async function readCertificate(
  paths: TlsEntry['certificates'][number],
  reading: Reading,
): Promise<ListenerCertificate | null> {
  const pair = await keyPairAt(paths, reading)
  if (pair === null) return null
  const { cert, key, certificate } = pair
  const names = hostNames(certificate)
  return {
    cert,
    key,
    names,
    keyType: certificate.publicKey.asymmetricKeyType ?? 'unknown',
    label: names[0] ?? commonName(certificate) ?? '',
    expiresMs: Date.parse(certificate.validTo),
  }
}

async function readClientAuth({ clientAuth }: TlsEntry, reading: Reading): Promise<ClientAuthSettings | null> {
  if (clientAuth === null) return null
  const ca = await authoritiesAt(clientAuth.ca, reading)
  return ca === null ? null : { ca, mode: clientAuth.mode }
}
