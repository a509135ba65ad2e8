import type { KeyPair, ClientTlsSettings } from '../../core/snapshot.ts'
import type { ServiceLayer } from '../schema/services.ts'
import { authoritiesAt, keyPairAt, type Reading } from './reading.ts'

type TlsEntry = NonNullable<ServiceLayer['tls']>

/** A service's `tls` with its files read and checked; null when there is something wrong, which is in `findings`. */
export async function readServiceTls(entry: TlsEntry, reading: Reading): Promise<ClientTlsSettings | null> {
  const { findings, path } = reading
  const { servername, verify } = entry
  const before = findings.problems.length
  if (!verify) {
    const message = 'certificates of endpoints are not verified: whoever is on the way can read and change everything'
    findings.warnings.push({ path: [...path, 'verify'], message })
  }
  const ca = entry.ca === null ? null : await authoritiesAt(entry.ca, reading)
  const keyPair = await readPair(entry, reading)
  return findings.problems.length > before ? null : { ca, servername, keyPair, verify }
}

async function readPair({ cert, key }: TlsEntry, reading: Reading): Promise<KeyPair | null> {
  if (cert === null && key === null) return null
  if (cert === null || key === null) {
    const [there, missing] = cert === null ? ['key', 'cert'] : ['cert', 'key']
    reading.findings.problems.push({ path: [...reading.path, there], message: `needs \`${missing}\` beside it` })
    return null
  }
  const pair = await keyPairAt({ cert, key }, reading)
  return pair === null ? null : { cert: pair.cert, key: pair.key }
}
