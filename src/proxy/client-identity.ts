import { AddressList } from './address-list.ts'
import { isToken } from './h1/characters.ts'
import { flat } from '../util/latin1.ts'
import type { RequestHead } from './h1/request-head.ts'

/** Addresses whose forwarded fields are believed. */
export class TrustedProxies {
  readonly #list: AddressList

  /** @param entries addresses or CIDRs, valid (the configuration checked them) */
  constructor(entries: readonly string[]) {
    this.#list = new AddressList(entries)
  }

  trusts(address: string): boolean {
    return this.#list.has(address)
  }
}

const requestIdPattern = /^[A-Za-z0-9._-]{1,128}$/

/** True for a request id that may be kept: short, and harmless in a log or a field. */
export function isRequestId(value: string): boolean {
  return requestIdPattern.test(value)
}

/** Who is at the other end of a downstream connection, and what that makes of forwarded fields. One per connection. */
export class ClientIdentity {
  /** Address of the connection's other end; IPv4-mapped IPv6 as plain IPv4. */
  readonly address: string
  readonly #isTrusted: boolean
  readonly #trusted: TrustedProxies
  readonly #proto: 'http' | 'https'
  readonly #port: number
  /** The last Host, and the fields with it: the clients of a connection hardly ever change it. */
  #host: string | null = null
  #fields = ''
  /** The line that tells of the client's certificate, with CRLF; empty when it has shown none. */
  readonly #certificateLine: string

  /** @param certificate value of `x-forwarded-client-cert`; null when the client has shown none that was verified */
  constructor(
    remoteAddress: string,
    localPort: number,
    proto: 'http' | 'https',
    trusted: TrustedProxies,
    certificate: string | null = null,
  ) {
    this.address = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress
    this.#trusted = trusted
    this.#isTrusted = trusted.trusts(this.address)
    this.#proto = proto
    this.#port = localPort
    this.#certificateLine = certificate === null ? '' : `x-forwarded-client-cert: ${certificate}\r\n`
  }

  /** The same client, now that it has shown a certificate. */
  withCertificate(certificate: string): ClientIdentity {
    return new ClientIdentity(this.address, this.#port, this.#proto, this.#trusted, certificate)
  }

  /** The client's address: the nearest one in X-Forwarded-For that is no trusted proxy, or the connection's own. */
  clientAddress(head: RequestHead): string {
    if (!this.#isTrusted || head.forwardedFor === null) return this.address
    const hops = head.forwardedFor.split(',')
    for (let i = hops.length - 1; i >= 0; i--) {
      const hop = (hops[i] as string).trim()
      if (!this.#trusted.trusts(hop)) return hop
    }
    return (hops[0] as string).trim()
  }

  /**
   * X-Forwarded-* and Forwarded (RFC 7239) for the upstream: our own, behind those of a trusted proxy. Its X-Real-IP and
   * X-Forwarded-Prefix, which we don't set, are passed on. Lines with CRLF.
   */
  forwardedFields(head: RequestHead): string {
    if (this.#isTrusted) return this.#appendedFields(head)
    if (head.authority !== this.#host) {
      this.#host = head.authority
      this.#fields = flat(this.#ownFields(head.authority))
    }
    return this.#fields
  }

  #ownFields(host: string): string {
    return (
      `x-forwarded-for: ${this.address}\r\nx-forwarded-proto: ${this.#proto}\r\nx-forwarded-port: ${this.#port}\r\n` +
      `${this.#certificateLine}${host === '' ? '' : `x-forwarded-host: ${host}\r\n`}forwarded: ${this.#pair(host)}\r\n`
    )
  }

  /** Our element of Forwarded. */
  #pair(host: string): string {
    return `for=${quotedNode(this.address)};proto=${this.#proto}${host === '' ? '' : `;host=${quoted(host)}`}`
  }

  #appendedFields(head: RequestHead): string {
    const via = head.forwardedFor === null ? this.address : `${head.forwardedFor}, ${this.address}`
    const host = head.forwardedHost ?? head.authority
    const own = this.#pair(head.authority)
    const certificate =
      this.#certificateLine !== '' || head.forwardedClientCert === null
        ? this.#certificateLine
        : `x-forwarded-client-cert: ${head.forwardedClientCert}\r\n`
    return (
      `x-forwarded-for: ${via}\r\nx-forwarded-proto: ${head.forwardedProto ?? this.#proto}\r\n` +
      `x-forwarded-port: ${head.forwardedPort ?? this.#port}\r\n${host === '' ? '' : `x-forwarded-host: ${host}\r\n`}` +
      `${certificate}forwarded: ${head.forwarded === null ? own : `${head.forwarded}, ${own}`}\r\n${head.vouched}`
    )
  }

  /** The client's own id when it is harmless, else null. */
  requestId(head: RequestHead): string | null {
    return head.requestId !== null && isRequestId(head.requestId) ? head.requestId : null
  }
}

/** A node identifier of RFC 7239 section 6: IPv6 in brackets and quotes. */
function quotedNode(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address
}

/**
 * A Host value as a token where it is one, else quoted: behind a bare `;` a client could write pairs of its own. It was
 * checked: no quotes, no backslash.
 */
function quoted(host: string): string {
  return isToken(host) ? host : `"${host}"`
}
