import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { ListenerCertificate } from '../../core/snapshot.ts'

/**
 * Which certificates of a listener serve a host name (RFC 6066 section 3): those with this very name, else those with a
 * wildcard for it, else the first. A name may have several, with keys of different types; OpenSSL takes the one that suits the
 * client. What a handshake needs of them is made at the first one that does, and kept.
 */
export class CertificateChooser {
  readonly #certificates: readonly ListenerCertificate[]
  readonly #shared: SecureContextOptions
  readonly #byName = new Map<string, number[]>()
  /** The first certificate, and those for its first name with another type of key. */
  readonly #first: readonly number[]
  /** By the indexes of their certificates. */
  readonly #contexts = new Map<string, SecureContext>()

  /** @param shared what all handshakes of the listener have in common */
  constructor(certificates: readonly ListenerCertificate[], shared: SecureContextOptions) {
    this.#certificates = certificates
    this.#shared = shared
    for (const [index, { names }] of certificates.entries()) {
      for (const name of names) {
        const others = this.#byName.get(name)
        if (others === undefined) this.#byName.set(name, [index])
        else others.push(index)
      }
    }
    const [name] = certificates[0]?.names ?? []
    this.#first = (name === undefined ? undefined : this.#byName.get(name)) ?? [0]
  }

  /** For clients that name no host, or one that is in no certificate. */
  get default(): SecureContextOptions {
    return this.#options(this.#first)
  }

  /** Null for the default. @param servername as the client sent it */
  choose(servername: string): SecureContext | null {
    const name = servername.toLowerCase()
    const indexes = this.#byName.get(name) ?? this.#byName.get(`*${name.slice(name.indexOf('.'))}`)
    if (indexes === undefined) return null
    const key = indexes.join()
    if (key === this.#first.join()) return null
    let context = this.#contexts.get(key)
    if (context === undefined) {
      context = createSecureContext(this.#options(indexes))
      this.#contexts.set(key, context)
    }
    return context
  }

  #options(indexes: readonly number[]): SecureContextOptions {
    const chosen = indexes.map((index) => this.#certificates[index] as ListenerCertificate)
    return { ...this.#shared, cert: chosen.map(({ cert }) => cert), key: chosen.map(({ key }) => key) }
  }
}
