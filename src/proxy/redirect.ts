import type { HttpsRedirect } from '../core/snapshot.ts'
import type { Exchange } from './exchange.ts'
import { ResponseHead } from './h1/response-head.ts'
import { fail, settle } from './settle.ts'

const reasons: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
}

/** Answers with the same place over HTTPS (RFC 9110 section 15.4). @returns false when the path is one of those left out */
export function redirect(x: Exchange, { port, status, except }: HttpsRedirect): boolean {
  if (except.some((prefix) => isBelow(x.path, prefix))) return false
  // Only HTTP/1.0 may come without: there is no place to send it to.
  if (x.host === '') {
    fail(x, 'bad-request')
    return true
  }
  const authority = port === 443 ? x.host : `${x.host}:${port}`
  answerRedirect(x, status, `https://${authority}${x.path}${x.head.query}`)
  return true
}

/** Sends the client elsewhere. @param location fit for a field */
export function answerRedirect(x: Exchange, status: number, location: string): void {
  const head = new ResponseHead()
  head.status = status
  head.reason = reasons[status] ?? ''
  head.carried = `location: ${location}\r\ncontent-length: 0\r\nx-request-id: ${x.requestId}\r\n`
  head.keepAlive = true
  x.downstream.writeHead(head, 'none')
  x.downstream.writeEnd('')
  x.downstream.flush()
  settle(x, null)
}

function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false
  return path.length === prefix.length || prefix.endsWith('/') || path[prefix.length] === '/'
}
