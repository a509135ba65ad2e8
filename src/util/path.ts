const slash = 0x2f
const backslash = 0x5c
const dot = 0x2e

/**
 * The normal form of a request target's path (without its query), or null when the path has two readings and the request
 * has to be refused (400).
 *
 * Dot segments, `%2e` included, are resolved as in RFC 3986 section 5.2.4; everything else stays byte for byte (`a%2Fb`, `//`,
 * `%41`). Refused: no leading `/`; anything but visible ASCII; `#`, `?`, `\`, `%00`; a `%` without two hex digits; a segment
 * in which an upstream that decodes early, or cuts path parameters off, would find a dot segment (`..%2fx`, `a%5c..`, `..;x`).
 *
 * A path that is in normal form comes back as the same string: one scan, nothing allocated.
 */
export function normalizePath(path: string): string | null {
  if (path.charCodeAt(0) !== slash) return null
  let dotted = false
  let afterSeparator = true
  for (let i = 1; i < path.length; i++) {
    let code = path.charCodeAt(i)
    if (code === 0x25) {
      code = hexDigit(path.charCodeAt(i + 1)) * 16 + hexDigit(path.charCodeAt(i + 2))
      // NaN where a digit is missing, 0 for NUL.
      if (!(code > 0)) return null
      i += 2
    } else if (code <= 0x20 || code >= 0x7f || code === 0x23 || code === 0x3f || code === backslash) return null
    if (code === dot && afterSeparator) dotted = true
    afterSeparator = code === slash || code === backslash
  }
  return dotted ? resolveDots(path) : path
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN
}

/**
 * Cuts `cut` characters off the front of a path in normal form and puts `put` before the rest. What is left of the path
 * begins with exactly one `/`: a `//` in front would be read as an authority (RFC 3986 section 4.2).
 *
 * @param cut 0, or the length of a prefix that does not end in `/` and that a `/` or the end of the path follows
 * @param put empty, or starts with `/` and does not end in one
 */
export function replacePrefix(path: string, cut: number, put: string): string {
  if (cut === 0) return put === '' ? path : put + path
  if (cut === path.length) return `${put}/`
  let from = cut
  while (path.charCodeAt(from + 1) === slash) from++
  return put + path.slice(from)
}

const hiddenDots = /(?:^|\/)\.\.?(?:[;/]|$)/

function resolveDots(path: string): string | null {
  const kept: string[] = []
  const segments = path.slice(1).split('/')
  let resolved = false
  for (const [index, segment] of segments.entries()) {
    const decoded = decodeDotsAndSeparators(segment)
    if (decoded === '.' || decoded === '..') {
      resolved = true
      if (decoded === '..') kept.pop()
      if (index === segments.length - 1) kept.push('')
    } else if (hiddenDots.test(decoded)) return null
    else kept.push(segment)
  }
  return resolved ? `/${kept.join('/')}` : path
}

/** What the laxest upstream could read in one segment; `\` is a separator to some, so both become `/`. */
function decodeDotsAndSeparators(segment: string): string {
  if (!segment.includes('%')) return segment
  return segment
    .replace(/%2e/gi, '.')
    .replace(/%2f|%5c/gi, '/')
    .replace(/%3b/gi, ';')
}
