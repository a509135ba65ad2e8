import { buildConnector, Pool } from 'undici'
import type { Endpoint, EndpointPool } from '../../core/endpoint.ts'
import type { ServiceSettings } from '../../core/snapshot.ts'
import { isIP, isIPv6, type Socket } from 'node:net'

/** Shorter than what servers keep: https://nodejs.org/api/http.html#serverkeepalivetimeout is 5 s. */
const idleMs = 4000

/** The connections to one endpoint: undici's, held as the gateway holds its own. */
export class EndpointDispatcher implements EndpointPool {
  readonly pool: Pool

  constructor({ host, port, published }: Endpoint, { connectTimeoutMs, tls }: ServiceSettings) {
    const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`
    const connect = buildConnector({
      timeout: connectTimeoutMs,
      ...(tls !== null && { ...serverName(published.hostName ?? host), rejectUnauthorized: tls.verify }),
    })
    this.pool = new Pool(`${tls === null ? 'http' : 'https'}://${authority}`, {
      keepAliveTimeout: idleMs,
      connect: (options, callback) => {
        connect(options, (...result) => {
          if (result[0] === null) noteErrors(result[1])
          callback(...result)
        })
      },
    })
  }

  /** Requests in flight are finished. */
  close(): void {
    if (!this.pool.closed) void this.pool.close()
  }
}

/** RFC 6066 section 3: an address is no name to be sent; the certificate is compared with it all the same. */
function serverName(host: string): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {}
}

/** What connections broke with that had brought an answer before. */
const afterAnswers = new WeakSet<Error>()

/** undici hands a request the very error of its socket, which does not say which socket that was. */
function noteErrors(socket: Socket): void {
  socket.on('error', (error) => {
    if (socket.bytesRead > 0) afterAnswers.add(error)
  })
}

/** Whether the connection had brought an answer before: closing it and sending on it may have crossed. */
export function wasUsedBefore(error: Error): boolean {
  if (afterAnswers.has(error)) return true
  const socket = 'socket' in error ? (error.socket as { bytesRead?: number } | null) : null
  return (socket?.bytesRead ?? 0) > 0
}

export function dispatcherOf(endpoint: Endpoint, settings: ServiceSettings): Pool {
  endpoint.pool ??= new EndpointDispatcher(endpoint, settings)
  return (endpoint.pool as EndpointDispatcher).pool
}
