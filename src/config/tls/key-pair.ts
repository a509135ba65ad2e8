import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { KeyPair } from '../../core/snapshot.ts'
import { InvalidValue } from '../invalid-value.ts'
import { readCertificates } from './certificate.ts'
import type { PemFiles } from './pem-files.ts'

export interface CheckedKeyPair extends KeyPair {
  readonly certificate: X509Certificate
}

/** What is wrong, and with which of the two. */
export class KeyPairError extends Error {
  override readonly name = 'KeyPairError'
  readonly at: 'cert' | 'key'
  readonly reason: InvalidValue

  constructor(at: 'cert' | 'key', reason: InvalidValue) {
    super(reason.message)
    this.at = at
    this.reason = reason
  }
}

interface Paths {
  readonly cert: string
  readonly key: string
}

/** @throws KeyPairError */
export async function readKeyPair(files: PemFiles, paths: Paths): Promise<CheckedKeyPair> {
  const first = await readBoth(files, paths)
  if (belongTogether(first)) return checked(first)
  await files.settled()
  const second = await readBoth(files, paths)
  if (belongTogether(second)) return checked(second)
  const ofChain = second.chain.some((certificate) => certificate.checkPrivateKey(second.privateKey))
  throw new KeyPairError(
    'key',
    ofChain
      ? new InvalidValue('the key belongs to a later certificate of the file', "put the key's certificate first in it")
      : new InvalidValue('the key does not belong to the certificate'),
  )
}

interface Read extends KeyPair {
  readonly chain: readonly [X509Certificate, ...X509Certificate[]]
  readonly privateKey: KeyObject
}

async function readBoth(files: PemFiles, paths: Paths): Promise<Read> {
  const cert = await blaming('cert', async () => files.read(paths.cert))
  const key = await blaming('key', async () => files.read(paths.key))
  const chain = await blaming('cert', () => readCertificates(cert))
  const privateKey = await blaming('key', () => readPrivateKey(key))
  return { cert, key, chain, privateKey }
}

async function blaming<T>(place: 'cert' | 'key', work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof InvalidValue) throw new KeyPairError(place, error)
    throw error
  }
}

function readPrivateKey(pem: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw new InvalidValue('the key is encrypted', 'nobody is there to type a passphrase: store it without one')
  }
  try {
    return createPrivateKey(pem)
  } catch {
    throw new InvalidValue('it holds no private key that can be read')
  }
}

function belongTogether({ chain: [certificate], privateKey }: Read): boolean {
  return certificate.checkPrivateKey(privateKey)
}

function checked({ cert, key, chain: [certificate] }: Read): CheckedKeyPair {
  try {
    createSecureContext({ cert, key, ca: [] })
  } catch (error) {
    const { message } = error as Error
    throw new KeyPairError('cert', new InvalidValue(`OpenSSL does not take it: ${message}`))
  }
  return { cert, key, certificate }
}
