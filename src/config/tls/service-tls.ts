import type { KeyPair, UpstreamTlsSettings } from '../../core/snapshot.ts'
import type { Path } from '../finding.ts'
import { InvalidValue } from '../invalid-value.ts'
import type { ServiceLayer } from '../schema/services.ts'
import { readAuthorities } from './authorities.ts'
import { outOfDate } from './certificate.ts'
import { KeyPairError, readKeyPair } from './key-pair.ts'
import { type Findings, problemOf } from './listener-tls.ts'
import type { PemFiles } from './pem-files.ts'

type TlsEntry = NonNullable<ServiceLayer['tls']>

/** A service's `tls` with its files read and checked; null when there is something wrong, which is in `findings`. */
export async function readServiceTls(
  entry: TlsEntry,
  { files, path, findings }: { files: PemFiles; path: Path; findings: Findings },
): Promise<UpstreamTlsSettings | null> {
  const { servername, verify } = entry
  const before = findings.problems.length
  if (!verify) {
    const message = 'certificates of endpoints are not verified: whoever is on the way can read and change everything'
    findings.warnings.push({ path: [...path, 'verify'], message })
  }
  const ca = await readCa(entry, { files, path, findings })
  const keyPair = await readPair(entry, { files, path, findings })
  return findings.problems.length > before ? null : { ca, servername, keyPair, verify }
}

interface Reading {
  readonly files: PemFiles
  readonly path: Path
  readonly findings: Findings
}

async function readCa({ ca }: TlsEntry, { files, path, findings }: Reading): Promise<string | null> {
  if (ca === null) return null
  try {
    return await readAuthorities(files, ca)
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    findings.problems.push(problemOf(error, [...path, 'ca']))
    return null
  }
}

async function readPair({ cert, key }: TlsEntry, { files, path, findings }: Reading): Promise<KeyPair | null> {
  if (cert === null && key === null) return null
  if (cert === null || key === null) {
    const [there, missing] = cert === null ? ['key', 'cert'] : ['cert', 'key']
    findings.problems.push({ path: [...path, there], message: `needs \`${missing}\` beside it` })
    return null
  }
  try {
    const pair = await readKeyPair(files, { cert, key })
    const warning = outOfDate(pair.certificate, Date.now())
    if (warning !== null) findings.warnings.push({ path: [...path, 'cert'], message: warning })
    return { cert: pair.cert, key: pair.key }
  } catch (error) {
    if (!(error instanceof KeyPairError)) throw error
    findings.problems.push(problemOf(error.reason, [...path, error.at]))
    return null
  }
}
