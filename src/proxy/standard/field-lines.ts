import { trimmed } from '../h1/fields.ts'

/** Field lines (`name: value`, each with CRLF) as node:http takes them: names and values in turn. */
export function flatFields(lines: string): string[] {
  const flat: string[] = []
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon !== -1) flat.push(line.slice(0, colon), trimmed(line.slice(colon + 1)))
  }
  return flat
}

/** The reverse of `flatFields`, for `rawHeaders` and `rawTrailers`. */
export function fieldLines(flat: readonly string[]): string {
  let lines = ''
  for (let i = 0; i + 1 < flat.length; i += 2) lines += `${flat[i]}: ${flat[i + 1]}\r\n`
  return lines
}

/** Trailer lines as `addTrailers` takes them. */
export function fieldPairs(lines: string): [string, string][] {
  const flat = flatFields(lines)
  return flat.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, flat[i + 1] as string]] : []))
}

/**
 * Without the `Trailer` field, of a message that is not chunked: node:http refuses to write one that announces trailers which
 * can't follow.
 */
export function withoutTrailerField(flat: readonly string[]): string[] {
  return flat.filter((_, i) => flat[i - (i % 2)]?.toLowerCase() !== 'trailer')
}
