import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const keyOptions = {
  ecdsa: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['-newkey', 'rsa:2048'],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** ECDSA on P-256, or RSA of 2048 bits. */
export type KeyType = keyof typeof keyOptions

/** Files in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  /** Both in one, for HAProxy. */
  readonly combined: string
}

/** Has openssl(1) make a certificate for 127.0.0.1 that signs itself, valid for two days, in a directory that it makes. */
export function makeCertificate(type: KeyType, directory: string): Certificate {
  mkdirSync(directory, { recursive: true })
  const files = {
    cert: join(directory, `${type}.crt`),
    key: join(directory, `${type}.key`),
    combined: join(directory, `${type}.pem`),
  }
  const names = ['-subj', '/CN=bench', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  const output = ['-nodes', '-days', '2', '-keyout', files.key, '-out', files.cert]
  execFileSync('openssl', ['req', '-x509', ...keyOptions[type], ...names, ...output], { stdio: 'ignore' })
  writeFileSync(files.combined, readFileSync(files.cert, 'utf8') + readFileSync(files.key, 'utf8'), { mode: 0o600 })
  return files
}
