import type { ListenerCertificate } from '../../core/snapshot.ts'
import type { Path, Problem } from '../finding.ts'

interface Place {
  /** As written. */
  readonly cert: string
  readonly path: Path
}

/**
 * Every name has one certificate, but that those for exactly the names of the first, with keys of other types, may stand beside
 * it. And every certificate but the first has a name, or it would serve nobody.
 */
export function checkNames(certificates: readonly ListenerCertificate[], places: readonly Place[]): Problem[] {
  return certificates.flatMap((certificate, index) => {
    const { path } = places[index] as Place
    const refuse = (message: string, hint: string): Problem[] => [{ path: [...path, 'cert'], message, hint }]
    if (index > 0 && certificate.names.length === 0) {
      return refuse('names no host, so no client would get it', 'put it first, or add a subjectAltName to it')
    }
    for (const [earlier, other] of certificates.slice(0, index).entries()) {
      const name = certificate.names.find((one) => other.names.includes(one))
      if (name === undefined || (earlier === 0 && isAlternative(certificate, other))) continue
      return refuse(
        `${name} is in ${(places[earlier] as Place).cert}, too`,
        earlier === 0 && certificate.keyType !== other.keyType
          ? 'only one for exactly the same names may stand beside the first, with a key of another type'
          : 'remove one of the two',
      )
    }
    return []
  })
}

function isAlternative(certificate: ListenerCertificate, first: ListenerCertificate): boolean {
  return (
    certificate.keyType !== first.keyType &&
    certificate.names.length === first.names.length &&
    certificate.names.every((name) => first.names.includes(name))
  )
}
