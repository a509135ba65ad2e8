import type { HashKey } from '../core/snapshot.ts'
import { InvalidValue } from './invalid-value.ts'
import { token } from './match-fields.ts'

/** `client`, `path`, `header:NAME` or `cookie:NAME`. */
export function parseHashKey(text: string): HashKey {
  if (text === 'client' || text === 'path') return { on: text }
  const colon = text.indexOf(':')
  const kind = text.slice(0, colon)
  const name = text.slice(colon + 1)
  if (kind !== 'header' && kind !== 'cookie')
    throw new InvalidValue(`expected client, path, header:NAME or cookie:NAME, got ${JSON.stringify(text)}`)
  if (!token.test(name)) throw new InvalidValue(`${JSON.stringify(name)} is no ${kind} name`)
  // Names of cookies, unlike those of fields, differ by case (RFC 6265 section 5.4).
  return kind === 'header' ? { on: kind, name: name.toLowerCase() } : { on: kind, name }
}
