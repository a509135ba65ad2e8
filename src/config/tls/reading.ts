import type { Path, Problem } from '../finding.ts'
import { InvalidValue } from '../invalid-value.ts'
import { outOfDate, readCertificates } from './certificate.ts'
import { type CheckedKeyPair, KeyPairError, readKeyPair } from './key-pair.ts'
import type { PemFiles } from './pem-files.ts'

/** What is wrong, and what only deserves a word. */
export interface Findings {
  readonly problems: Problem[]
  readonly warnings: Problem[]
}

/** Files are read for the keys below a place of the configuration; what is found there is found fault with there. */
export interface Reading {
  readonly files: PemFiles
  readonly path: Path
  readonly findings: Findings
}

/** The pair that `cert` and `key` name; null when there is something wrong with it. */
export async function keyPairAt(
  paths: { readonly cert: string; readonly key: string },
  { files, path, findings }: Reading,
): Promise<CheckedKeyPair | null> {
  try {
    const pair = await readKeyPair(files, paths)
    const warning = outOfDate(pair.certificate, Date.now())
    if (warning !== null) findings.warnings.push({ path: [...path, 'cert'], message: warning })
    return pair
  } catch (error) {
    if (!(error instanceof KeyPairError)) throw error
    findings.problems.push(problemOf(error.reason, [...path, error.at]))
    return null
  }
}

/** PEM of the certificates in the file that `ca` names; null when there is something wrong with it. */
export async function authoritiesAt(ca: string, { files, path, findings }: Reading): Promise<string | null> {
  try {
    return readCertificates(await files.read(ca))
      .map(String)
      .join('')
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    findings.problems.push(problemOf(error, [...path, 'ca']))
    return null
  }
}

function problemOf({ message, hint }: InvalidValue, path: Path): Problem {
  return { path, message, ...(hint !== undefined && { hint }) }
}
