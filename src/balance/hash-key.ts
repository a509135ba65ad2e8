import type { PickInput } from '../core/picker.ts'
import type { HashKey } from '../core/snapshot.ts'
import { hashText } from './hash.ts'

/** Not a hash: those are 32 bits, signed. */
export const noKey = 2 ** 32

/** What a request is told apart by, hashed; `noKey` when it does not carry the field or the cookie, or an empty one. */
export function hashOfKey(input: PickInput, key: HashKey): number {
  if (key.on === 'client') return hashText(input.clientAddress)
  if (key.on === 'path') return hashText(input.path)
  const value = input.header(key.on === 'header' ? key.name : 'cookie')
  if (value === null || value === '') return noKey
  return key.on === 'header' ? hashText(value) : hashOfCookie(value, key.name)
}

/** The first cookie of that name (RFC 6265 section 4.2.1: `name=value; name=value`); hashed where it stands. */
function hashOfCookie(cookies: string, name: string): number {
  for (let at = 0; at < cookies.length;) {
    while (isSpace(cookies.charCodeAt(at))) at++
    const semicolon = cookies.indexOf(';', at)
    const end = semicolon === -1 ? cookies.length : semicolon
    const value = at + name.length + 1
    if (cookies.startsWith(name, at) && cookies[value - 1] === '=') {
      let valueEnd = end
      while (valueEnd > value && isSpace(cookies.charCodeAt(valueEnd - 1))) valueEnd--
      return value >= valueEnd ? noKey : hashText(cookies, value, valueEnd)
    }
    at = end + 1
  }
  return noKey
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}
