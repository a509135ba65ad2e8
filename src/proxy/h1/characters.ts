/**
 * Character classes of HTTP/1.1 heads (RFC 9110 section 5.6.2, RFC 9112), as tables indexed by a latin1 code unit, so that a
 * head is checked with one load per character.
 */
const tokenCharacters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/** For field names: 0 = no token character; else the lower-case letter, with `_` folded to `-` so that twins compare equal. */
export const nameFold: Uint8Array = new Uint8Array(256)
for (const character of tokenCharacters) {
  nameFold[character.charCodeAt(0)] = character === '_' ? 0x2d : character.toLowerCase().charCodeAt(0)
}

/** 1 = allowed in a field value: HTAB, visible ASCII, space, and bytes above 0x7f (obs-text). */
export const valueCharacter: Uint8Array = new Uint8Array(256)
valueCharacter[9] = 1
for (let code = 0x20; code < 256; code++) if (code !== 0x7f) valueCharacter[code] = 1

/** 1 = allowed in a request target: visible ASCII without `#` (RFC 9112 section 3.2 has no fragment). */
export const targetCharacter: Uint8Array = new Uint8Array(256)
for (let code = 0x21; code < 0x7f; code++) if (code !== 0x23) targetCharacter[code] = 1

/** Value of a hexadecimal digit, 255 for anything else. */
export const hexValue: Uint8Array = new Uint8Array(256).fill(255)
for (let digit = 0; digit < 16; digit++) {
  hexValue[digit.toString(16).charCodeAt(0)] = digit
  hexValue[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/** True when `text` is a token (RFC 9110 section 5.6.2), and not empty. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (!nameFold[text.charCodeAt(i)]) return false
  }
  return text !== ''
}

/** True when `text[start, end)` equals `word` (lower case), ASCII case aside. */
export function equalsIgnoreCase(text: string, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false
  for (let i = 0; i < word.length; i++) {
    let code = text.charCodeAt(start + i)
    if (code >= 0x41 && code <= 0x5a) code |= 0x20
    if (code !== word.charCodeAt(i)) return false
  }
  return true
}
