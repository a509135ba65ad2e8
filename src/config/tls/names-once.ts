import type { ListenerCertificate } from '../../core/snapshot.ts'
import type { Path, Problem } from '../finding.ts'

interface Place {
  /** As written. */
  readonly cert: string
  readonly path: Path
}

/**
 * Every name has one certificate, or one for each type of key: then a handshake takes the one that suits the client. And every
 * certificate but the first has a name, or it would serve nobody.
 */
export function checkNames(certificates: readonly ListenerCertificate[], places: readonly Place[]): Problem[] {
  const problems: Problem[] = []
  const takenBy = new Map<string, Place>()
  for (const [index, { names, keyType }] of certificates.entries()) {
    const place = places[index] as Place
    if (names.length === 0 && index > 0) {
      const message = 'names no host, so no client would get it'
      problems.push({ path: [...place.path, 'cert'], message, hint: 'put it first, or add a subjectAltName to it' })
    }
    for (const name of names) {
      const key = `${keyType} ${name}`
      const other = takenBy.get(key)
      if (other === undefined) takenBy.set(key, place)
      else {
        const message = `${name} is in ${other.cert}, too, with a key of the same type`
        problems.push({ path: [...place.path, 'cert'], message, hint: 'remove one of the two' })
        break
      }
    }
  }
  return problems
}
