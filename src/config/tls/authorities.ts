import { readCertificates } from './certificate.ts'
import type { PemFiles } from './pem-files.ts'

/**
 * The PEM text of a file with the certificates of authorities, checked to hold some.
 *
 * @throws InvalidValue
 */
export async function readAuthorities(files: PemFiles, path: string): Promise<string> {
  return readCertificates(await files.read(path))
    .map(String)
    .join('')
}
