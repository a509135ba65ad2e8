import type { ClientAuthSettings, ListenerCertificate, ListenerTlsSettings } from '../../core/snapshot.ts'
import type { Path, Problem } from '../finding.ts'
import { InvalidValue } from '../invalid-value.ts'
import type { Listener } from '../schema/listeners.ts'
import { readAuthorities } from './authorities.ts'
import { commonName, hostNames, outOfDate } from './certificate.ts'
import { KeyPairError, readKeyPair } from './key-pair.ts'
import type { PemFiles } from './pem-files.ts'
import { checkNames } from './names-once.ts'

type TlsEntry = NonNullable<Listener['tls']>

/** What is wrong, and what only deserves a word. */
export interface Findings {
  readonly problems: Problem[]
  readonly warnings: Problem[]
}

/** A listener's `tls` with its files read and checked; null when there is something wrong, which is in `findings`. */
export async function readListenerTls(
  entry: TlsEntry,
  { files, path, findings }: { files: PemFiles; path: Path; findings: Findings },
): Promise<ListenerTlsSettings | null> {
  const certificates: (ListenerCertificate | null)[] = []
  for (const [index, paths] of entry.certificates.entries()) {
    const place = { files, path: [...path, 'certificates', index], findings }
    // One after the other: there may be more of them than a process may have files open.
    certificates.push(await readCertificate(paths, place))
  }
  const clientAuth = await readClientAuth(entry, { files, path, findings })
  if (certificates.includes(null) || clientAuth === undefined) return null
  const read = certificates as readonly ListenerCertificate[]
  const places = entry.certificates.map(({ cert }, index) => ({ cert, path: [...path, 'certificates', index] }))
  findings.problems.push(...checkNames(read, places))
  return { certificates: read, minVersion: entry.minVersion, clientAuth }
}

interface Reading {
  readonly files: PemFiles
  readonly path: Path
  readonly findings: Findings
}

async function readCertificate(
  paths: TlsEntry['certificates'][number],
  { files, path, findings }: Reading,
): Promise<ListenerCertificate | null> {
  try {
    const { cert, key, certificate } = await readKeyPair(files, paths)
    const warning = outOfDate(certificate, Date.now())
    if (warning !== null) findings.warnings.push({ path: [...path, 'cert'], message: warning })
    const names = hostNames(certificate)
    return {
      cert,
      key,
      names,
      keyType: certificate.publicKey.asymmetricKeyType ?? 'unknown',
      label: names[0] ?? commonName(certificate) ?? '',
      expiresMs: Date.parse(certificate.validTo),
    }
  } catch (error) {
    if (!(error instanceof KeyPairError)) throw error
    findings.problems.push(problemOf(error.reason, [...path, error.at]))
    return null
  }
}

/** @returns undefined when there is something wrong with it */
async function readClientAuth(
  { clientAuth }: TlsEntry,
  { files, path, findings }: Reading,
): Promise<ClientAuthSettings | null | undefined> {
  if (clientAuth === null) return null
  try {
    return { ca: await readAuthorities(files, clientAuth.ca), mode: clientAuth.mode }
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    findings.problems.push(problemOf(error, [...path, 'clientAuth', 'ca']))
    return undefined
  }
}

export function problemOf({ message, hint }: InvalidValue, path: Path): Problem {
  return { path, message, ...(hint !== undefined && { hint }) }
}
