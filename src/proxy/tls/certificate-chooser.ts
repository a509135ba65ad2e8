import type { ListenerCertificate } from '../../core/snapshot.ts'

/** Certificates that serve the same clients, with keys of different types: OpenSSL takes the one that suits the client. */
export type Choice = readonly ListenerCertificate[]

/**
 * Which certificates of a listener serve a host name: those with this very name, else those with a wildcard for it, which stands
 * for one label, else the first, which has those beside it that share its first name.
 */
export class CertificateChooser {
  readonly #first: Choice
  readonly #byName = new Map<string, ListenerCertificate[]>()

  constructor(certificates: readonly ListenerCertificate[]) {
    for (const certificate of certificates) {
      for (const name of certificate.names) {
        const others = this.#byName.get(name)
        if (others === undefined) this.#byName.set(name, [certificate])
        else others.push(certificate)
      }
    }
    const [name = ''] = certificates[0]?.names ?? []
    this.#first = this.#byName.get(name) ?? certificates.slice(0, 1)
  }

  /** @param serverName as the client sent it; empty when it names none. @returns the same object for the same name, always */
  choose(serverName: string): Choice {
    const name = serverName.toLowerCase()
    return this.#byName.get(name) ?? this.#byName.get(`*${name.slice(name.indexOf('.'))}`) ?? this.#first
  }
}
