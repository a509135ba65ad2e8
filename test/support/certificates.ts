import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import {
  bitString,
  explicit,
  implicit,
  integer,
  nothing,
  objectId,
  octetString,
  sequence,
  set,
  time,
  utf8String,
  yes,
} from './der.ts'

export type KeyType = 'ec' | 'rsa'

/** A certificate with its key, as PEM; `cert` holds what a server sends, intermediate ones included. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  /** `dNSName`s of the subjectAltName; an entry that is an IPv4 address is an `iPAddress`. */
  readonly names?: readonly string[]
  /** Attributes of the subject in their order, by the names that OpenSSL has for them. Default: CN alone. */
  readonly subject?: readonly (readonly [type: 'C' | 'O' | 'OU' | 'CN', value: string])[]
  /** Default: ec, P-256. */
  readonly keyType?: KeyType
  /** Default: an hour ago, and a day from now. */
  readonly notBefore?: Date
  readonly notAfter?: Date
}

const attributeIds = { C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11', CN: '2.5.4.3' } as const

interface Issuer {
  readonly subject: Buffer
  readonly key: KeyObject
}

/** An authority that tests trust, or don't. */
export class Authority {
  /** PEM. */
  readonly cert: string
  readonly key: string
  readonly #issuer: Issuer
  /** Intermediate certificates between a leaf and a root, PEM. */
  readonly #chain: string

  private constructor(made: { cert: string; issuer: Issuer; chain: string }) {
    this.cert = made.cert
    this.key = pemOf(made.issuer.key)
    this.#issuer = made.issuer
    this.#chain = made.chain
  }

  static create(name: string): Authority {
    const { privateKey, publicKey } = generateKey('ec')
    const issuer = { subject: distinguishedName([['CN', name]]), key: privateKey }
    return new Authority({
      cert: certificate(issuer, issuer.subject, publicKey, { isAuthority: true }),
      issuer,
      chain: '',
    })
  }

  /** An authority below this one; what it issues brings its certificate along. */
  intermediate(name: string): Authority {
    const { privateKey, publicKey } = generateKey('ec')
    const subject = distinguishedName([['CN', name]])
    const cert = certificate(this.#issuer, subject, publicKey, { isAuthority: true })
    return new Authority({ cert, issuer: { subject, key: privateKey }, chain: cert + this.#chain })
  }

  issue(options: CertificateOptions = {}): Certificate {
    const { keyType = 'ec', names = [], subject = [['CN', names[0] ?? 'nobody']] } = options
    const { privateKey, publicKey } = generateKey(keyType)
    const leaf = certificate(this.#issuer, distinguishedName(subject), publicKey, options)
    return { cert: leaf + this.#chain, key: pemOf(privateKey) }
  }
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

function generateKey(type: KeyType): { privateKey: KeyObject; publicKey: KeyObject } {
  return type === 'ec'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 })
}

const hourMs = 3_600_000

/** RFC 5280 section 4.1. @returns PEM */
function certificate(
  issuer: Issuer,
  subject: Buffer,
  publicKey: KeyObject,
  { isAuthority = false, ...options }: CertificateOptions & { readonly isAuthority?: boolean },
): string {
  const {
    names = [],
    notBefore = new Date(Date.now() - hourMs),
    notAfter = new Date(Date.now() + 24 * hourMs),
  } = options
  const algorithm =
    issuer.key.asymmetricKeyType === 'ec'
      ? sequence(objectId('1.2.840.10045.4.3.2'))
      : sequence(objectId('1.2.840.113549.1.1.11'), nothing)
  const extensions = [
    ...(isAuthority ? [sequence(objectId('2.5.29.19'), yes, octetString(sequence(yes)))] : []),
    ...(names.length > 0
      ? [sequence(objectId('2.5.29.17'), octetString(sequence(...names.map(alternativeName))))]
      : []),
  ]
  const signed = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    issuer.subject,
    sequence(time(notBefore), time(notAfter)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [explicit(3, sequence(...extensions))] : []),
  )
  const der = sequence(signed, algorithm, bitString(sign('sha256', signed, issuer.key)))
  const lines = der.toString('base64').match(/.{1,64}/g) as readonly string[]
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function distinguishedName(attributes: NonNullable<CertificateOptions['subject']>): Buffer {
  return sequence(...attributes.map(([type, value]) => set(sequence(objectId(attributeIds[type]), utf8String(value)))))
}

function alternativeName(name: string): Buffer {
  const isAddress = /^[\d.]+$/.test(name)
  return isAddress ? implicit(7, Buffer.from(name.split('.').map(Number))) : implicit(2, Buffer.from(name, 'latin1'))
}
