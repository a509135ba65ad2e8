import { isIP } from 'node:net'
import type { RouteRedirect, RouteRule } from '../core/route.ts'
import { replacePrefix } from '../util/path.ts'
import { AddressList } from './address-list.ts'
import type { ProxyRoute } from './context.ts'
import type { Exchange } from './exchange.ts'
import { answerRedirect } from './redirect.ts'
import { fail } from './settle.ts'

/** What a route has in front of its service: clients that it turns away, and a redirect in place of the service. */
export class RouteGate {
  readonly #allow: AddressList | null
  readonly #deny: AddressList | null
  readonly #redirect: RouteRedirect | null

  /** Null for a route that has neither. */
  static of({ access, redirect }: RouteRule): RouteGate | null {
    return access === null && redirect === null ? null : new RouteGate(access, redirect)
  }

  private constructor(access: RouteRule['access'], redirect: RouteRedirect | null) {
    this.#allow = access === null || access.allow === null ? null : new AddressList(access.allow)
    this.#deny = access === null ? null : new AddressList(access.deny)
    this.#redirect = redirect
  }

  /** @returns true when it has answered the exchange */
  answers(x: Exchange, route: ProxyRoute): boolean {
    if (this.#deny !== null && !this.#admits(x.clientAddress, this.#deny)) fail(x, 'forbidden')
    else if (this.#redirect === null) return false
    // Only HTTP/1.0 may come without a host: there may be no place to send it to.
    else if (x.host === '' && this.#redirect.location.includes('$host')) fail(x, 'bad-request')
    else answerRedirect(x, this.#redirect.status, locationOf(x, route, this.#redirect.location))
    return true
  }

  /** A trusted proxy may forward what is no address: that is on no list, and so let in by none. */
  #admits(client: string, deny: AddressList): boolean {
    const address = /^::ffff:/i.test(client) ? client.slice(7) : client
    if (isIP(address) === 0 || deny.has(address)) return false
    return this.#allow === null || this.#allow.has(address)
  }
}

function locationOf(x: Exchange, { cut, put }: ProxyRoute, template: string): string {
  const path = replacePrefix(x.path, cut, put)
  const query = template.includes('?') ? '' : x.head.query
  // All at once, and by a function: neither a `$path` in a host nor a `$&` in a path is an instruction.
  return template.replace(/\$(?:host|path)/g, (word) => (word === '$host' ? x.host : path + query))
}
