import type { ClientRequest } from 'node:http'
import { flatFields, withoutTrailerField } from './field-lines.ts'

/**
 * Makes `text`, the head for an endpoint, the head that node:http sends: what http-proxy has put together is taken away, so
 * that target, fields and framing are those of the fast engine, byte for byte where node:http lets them be.
 *
 * @param text request line and field lines, each with CRLF, then an empty line
 */
export function writeOutgoingHead(outgoing: ClientRequest, text: string): void {
  const lineEnd = text.indexOf('\r\n')
  outgoing.path = text.slice(text.indexOf(' ') + 1, text.lastIndexOf(' ', lineEnd))
  for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name)
  // Else node:http would add them: a request without a body needs no framing (RFC 9112 section 6.3).
  for (const name of ['connection', 'content-length', 'transfer-encoding']) outgoing.removeHeader(name)
  const flat = flatFields(text.slice(lineEnd))
  const isChunked = flat.some((name, i) => i % 2 === 0 && name === 'transfer-encoding')
  for (const { name, values } of grouped(isChunked ? flat : withoutTrailerField(flat))) {
    outgoing.setHeader(name, values.length === 1 ? (values[0] as string) : values)
  }
}

/** Lines of one name together, since node:http writes them so; in the order of the first. */
function grouped(flat: readonly string[]): Iterable<{ name: string; values: string[] }> {
  const fields = new Map<string, { name: string; values: string[] }>()
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i] as string
    const field = fields.get(name.toLowerCase()) ?? { name, values: [] }
    field.values.push(flat[i + 1] as string)
    fields.set(name.toLowerCase(), field)
  }
  return fields.values()
}
