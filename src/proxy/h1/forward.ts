import type { Endpoint } from '../../core/endpoint.ts'
import type { Forwarder } from '../context.ts'
import type { Exchange } from '../exchange.ts'
import { Pool } from './pool.ts'

/** Sends attempts over HTTP/1.1, on kept connections where there are any. */
export const h1Forwarder: Forwarder = {
  forward(x: Exchange, endpoint: Endpoint): void {
    const tls = x.route?.service.settings.tls ?? null
    let pool = endpoint.pool as Pool | null
    if (pool === null || (pool.tls?.settings ?? null) !== tls) {
      pool?.close(false)
      pool = new Pool(x.context, endpoint, tls)
      endpoint.pool = pool
    }
    pool.carry(x)
  },
}
