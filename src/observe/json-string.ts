const ellipsis = '\\u2026'

/** All but printable ASCII that stands for itself in a JSON string (RFC 8259 section 7); DEL too, for the sake of terminals. */
const special = /[^ !#-[\]-~]/

/**
 * A JSON string in ASCII: what is not printable ASCII is escaped, so that its length is its size in bytes. No longer than
 * `maxLength` within its quotes; what is cut off is marked by an ellipsis.
 *
 * Most values need no escape: they cost one scan.
 */
export function jsonString(text: string, maxLength: number): string {
  return text.length > maxLength || special.test(text) ? escaped(text, maxLength) : `"${text}"`
}

function escaped(text: string, maxLength: number): string {
  let result = ''
  let cut = 0
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i)
    if (!special.test(character)) result += character
    else if (character === '"' || character === '\\') result += `\\${character}`
    else result += unicodeEscape(character)
    if (result.length > maxLength) return `"${result.slice(0, cut)}${ellipsis}"`
    // Where the text may still end with room for the ellipsis; never in the middle of an escape.
    if (result.length <= maxLength - ellipsis.length) cut = result.length
  }
  return `"${result}"`
}

/** @param unit one UTF-16 unit; a pair of surrogates is two escapes (RFC 8259 section 7) */
export function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
