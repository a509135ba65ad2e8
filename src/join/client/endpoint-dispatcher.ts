import { Pool } from 'undici'
import type { Endpoint, EndpointPool } from '../../core/endpoint.ts'
import type { ServiceSettings } from '../../core/snapshot.ts'
import { isIPv6 } from 'node:net'

/** Shorter than what servers keep: https://nodejs.org/api/http.html#serverkeepalivetimeout is 5 s. */
const idleMs = 4000

/** The connections to one endpoint: undici's, held as the gateway holds its own. */
export class EndpointDispatcher implements EndpointPool {
  readonly pool: Pool

  constructor({ host, port, published }: Endpoint, { connectTimeoutMs, tls }: ServiceSettings) {
    const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`
    this.pool = new Pool(`${tls === null ? 'http' : 'https'}://${authority}`, {
      keepAliveTimeout: idleMs,
      connect: {
        timeout: connectTimeoutMs,
        ...(tls !== null && { servername: published.hostName ?? host, rejectUnauthorized: tls.verify }),
      },
    })
  }

  /** Requests in flight are finished. */
  close(): void {
    void this.pool.close()
  }
}

export function dispatcherOf(endpoint: Endpoint, settings: ServiceSettings): Pool {
  endpoint.pool ??= new EndpointDispatcher(endpoint, settings)
  return (endpoint.pool as EndpointDispatcher).pool
}
