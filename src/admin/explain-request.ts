import { validateHeaderName, validateHeaderValue } from 'node:http'
import { normalizeHost } from '../util/host.ts'
import { normalizePath } from '../util/path.ts'
import type { ExplainRequest } from './admin-input.ts'

/**
 * Reads a request to be explained as a listener would read it.
 *
 * @param url `http://host/path?query`, or a path; then the host is that of a `host` header, if any
 * @param headers `name: value` each
 * @returns what is wrong with it as a sentence, or the request
 */
export function parseExplainRequest(method: string, url: string, headers: readonly string[]): ExplainRequest | string {
  if (!isToken(method)) return `method ${JSON.stringify(method)} is not an HTTP method`
  if (method === 'CONNECT' || method === 'TRACE') return `method ${method} is refused on every path (405)`
  const fields = new Map<string, string>()
  for (const header of headers) {
    const [name, value] = splitHeader(header)
    if (!isField(name, value)) return `header ${JSON.stringify(header)} is not of the form name:value`
    const before = fields.get(name)
    fields.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  const [, authority = fields.get('host') ?? null, rawPath = '', query = ''] =
    /^(?:https?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?/i.exec(url) ?? []
  const host = authority === null ? '' : normalizeHost(authority)
  if (host === null) return `host ${JSON.stringify(authority)} is not a host name or address with an optional port`
  const path = normalizePath(rawPath === '' && authority !== null ? '/' : rawPath)
  if (path === null) return `path ${JSON.stringify(rawPath)} would be refused as a bad request`
  return { method, host, path, url: path + query, header: (name) => fields.get(name) ?? null }
}

function splitHeader(header: string): [name: string, value: string] {
  const colon = header.indexOf(':')
  return [header.slice(0, Math.max(colon, 0)).toLowerCase(), header.slice(colon + 1).trim()]
}

function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~\w-]+$/.test(text)
}

function isField(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}
