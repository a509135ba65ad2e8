import type { ListenerCertificate } from '../../core/snapshot.ts'
import type { Path, Problem } from '../finding.ts'

interface Place {
  /** As written. */
  readonly cert: string
  readonly path: Path
}

/**
 * Every name has one certificate for each type of key: of several types, a handshake takes the one that suits the client. And
 * every certificate but the first has a name, or it would serve nobody.
 */
export function checkNames(certificates: readonly ListenerCertificate[], places: readonly Place[]): Problem[] {
  const takenBy = new Map<string, string>()
  return certificates.flatMap(({ names, keyType }, index) => {
    const { cert, path } = places[index] as Place
    const refuse = (message: string, hint: string): Problem[] => [{ path: [...path, 'cert'], message, hint }]
    if (index > 0 && names.length === 0) {
      return refuse('names no host, so no client would get it', 'put it first, or add a subjectAltName to it')
    }
    const twice = names.find((name) => takenBy.has(`${keyType} ${name}`))
    if (twice !== undefined) {
      const other = takenBy.get(`${keyType} ${twice}`)
      return refuse(`${twice} is in ${other}, too, with a key of the same type`, 'remove one of the two')
    }
    for (const name of names) takenBy.set(`${keyType} ${name}`, cert)
    return []
  })
}
