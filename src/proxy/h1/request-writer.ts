import type { Endpoint } from '../../core/endpoint.ts'
import { replacePrefix } from '../../util/path.ts'
import type { ClientIdentity } from '../client-identity.ts'
import type { Exchange } from '../exchange.ts'
import { flat } from '../../util/latin1.ts'
import type { RequestHead } from './request-head.ts'

/**
 * The request head for an endpoint (RFC 9112 section 3): origin-form, one Host, canonical framing, hop-by-hop fields gone, the
 * forwarded fields ours.
 */
export function requestHeadText(x: Exchange, endpoint: Endpoint, identity: ClientIdentity): string {
  const { head, route } = x
  if (route === null) throw new Error('a request is only written for a matched route')
  const path = head.path === '*' ? '*' : replacePrefix(head.path, route.cut, route.put)
  const target = `${head.method} ${path}${head.query}`
  if (route.rule.rewriteHost || head.authority === '')
    return `${target}${tail(head, identity, endpointAuthority(endpoint))}${x.requestId}\r\n\r\n`
  if (!head.isRepeated) return `${target}${tail(head, identity, head.authority)}${x.requestId}\r\n\r\n`
  head.forwardedTail ??= flat(tail(head, identity, head.authority))
  return `${target}${head.forwardedTail}${x.requestId}\r\n\r\n`
}

/** From the version up to the value of the last field, which is the only one that differs between requests with the same fields. */
function tail(head: RequestHead, identity: ClientIdentity, host: string): string {
  let text = ` HTTP/1.1\r\nhost: ${host}\r\n${head.carried}${identity.forwardedFields(head)}`
  if (head.chunked) text += 'transfer-encoding: chunked\r\n'
  if (head.expectContinue && head.hasBody) text += 'expect: 100-continue\r\n'
  if (head.upgrade !== null) text += `connection: upgrade\r\nupgrade: ${head.upgrade}\r\n`
  else if (head.acceptsTrailers) text += 'connection: te\r\nte: trailers\r\n'
  return `${text}x-request-id: `
}

function endpointAuthority(endpoint: Endpoint): string {
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`
}
