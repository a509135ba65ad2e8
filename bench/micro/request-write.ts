import type { Endpoint } from '../../src/core/endpoint.ts'
import { ClientIdentity, TrustedProxies } from '../../src/proxy/client-identity.ts'
import type { ProxyRoute } from '../../src/proxy/context.ts'
import type { Exchange } from '../../src/proxy/exchange.ts'
import { RequestReader } from '../../src/proxy/h1/request-reader.ts'
import { requestHeadText } from '../../src/proxy/h1/request-writer.ts'
import { makeEndpoints } from '../../test/support/endpoints.ts'
import type { Suite } from './benchmark.ts'
import { headAt, isRepeated, requestHeads } from './heads.ts'
import { readRequestHead } from './request-head.ts'

const identity = new ClientIdentity('203.0.113.7', 443, 'https', new TrustedProxies([]))
const wire = Buffer.alloc(8192)

/** The part of a matched route that the writer reads: nothing cut off, nothing put in front. */
const route = { rule: { rewriteHost: false }, cut: 0, put: '' } as ProxyRoute

/** Writes the rewritten head as a socket does: text is joined lazily, and copying it is part of its price. */
function write(exchange: Exchange, endpoint: Endpoint): number {
  return wire.write(requestHeadText(exchange, endpoint, identity), 'latin1')
}

export const requestWrite: Suite = () => {
  const [endpoint] = makeEndpoints([1]) as [Endpoint]
  return requestHeads.map(({ name, heads }) => {
    const exchanges = heads.map((bytes, i) => {
      const reader = new RequestReader()
      // As it stands after some requests of its connection: the same each time, or each of its own.
      for (let n = 0; n < (isRepeated(heads) ? 3 : 1); n++) readRequestHead(bytes, reader)
      return { head: reader.head, route, requestId: `1f0c2a9b4d6e-${(i + 1e6).toString(36)}` } as Exchange
    })
    return {
      name: `request head write: ${name}`,
      run(operations) {
        let bytes = 0
        for (let i = 0; i < operations; i++) bytes += write(headAt(exchanges, i), endpoint)
        return bytes
      },
    }
  })
}
