import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { ListenerCertificate } from '../../core/snapshot.ts'

/**
 * Which certificate of a listener serves a host name (RFC 6066 section 3): the one with this very name, else the one with a
 * wildcard for it, else the first. What a handshake needs of it is made at the first one that does, and kept.
 *
 * Others for the names of the first, with keys of other types, are served together with it, and OpenSSL takes what suits the
 * client. Node can't do this for one that is chosen by name, so the configuration allows it for none.
 */
export class CertificateChooser {
  readonly #certificates: readonly ListenerCertificate[]
  readonly #shared: SecureContextOptions
  readonly #byName = new Map<string, number>()
  readonly #contexts = new Map<number, SecureContext>()

  /** @param shared what all handshakes of the listener have in common */
  constructor(certificates: readonly ListenerCertificate[], shared: SecureContextOptions) {
    this.#certificates = certificates
    this.#shared = shared
    for (const [index, { names }] of certificates.entries()) {
      for (const name of names) if (!this.#byName.has(name)) this.#byName.set(name, index)
    }
  }

  /** For clients that name no host, or one that is in no certificate. */
  get default(): SecureContextOptions {
    return this.#options(
      this.#certificates.filter(({ names }, index) => index === 0 || this.#byName.get(names[0] ?? '') === 0),
    )
  }

  /** Null for the default. @param servername as the client sent it */
  choose(servername: string): SecureContext | null {
    const name = servername.toLowerCase()
    const index = this.#byName.get(name) ?? this.#byName.get(`*${name.slice(name.indexOf('.'))}`) ?? 0
    if (index === 0) return null
    let context = this.#contexts.get(index)
    if (context === undefined) {
      context = createSecureContext(this.#options([this.#certificates[index] as ListenerCertificate]))
      this.#contexts.set(index, context)
    }
    return context
  }

  #options(chosen: readonly ListenerCertificate[]): SecureContextOptions {
    return { ...this.#shared, cert: chosen.map(({ cert }) => cert), key: chosen.map(({ key }) => key) }
  }
}
