import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import type { Socket } from 'node:net'

/** PEM. */
export interface ServerTls {
  readonly cert: string
  readonly key: string
}

/** Keep-alive outlasts the pauses of clients that keep connections, which would otherwise race with our closing them. */
const keepAliveTimeoutMs = 2 * 60_000
/** Of one connection, as in Go's server. */
const maxConcurrentStreams = 250

/** HTTP/1.1; with TLS also HTTP/2, as ALPN says, where Consul does so, too. */
export class ApiServer {
  readonly #server: Server | Http2SecureServer
  readonly #sockets = new Set<Socket>()
  readonly #scheme: 'http' | 'https'

  constructor(listener: RequestListener, tls: ServerTls | null) {
    this.#scheme = tls === null ? 'http' : 'https'
    this.#server =
      tls === null ? createServer({ keepAliveTimeout: keepAliveTimeoutMs }, listener) : secure(listener, tls)
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** Rejects where the address is taken. @returns for example `http://127.0.0.1:8500` */
  async listen(host: string, port: number): Promise<string> {
    this.#server.listen({ host, port })
    await once(this.#server, 'listening')
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('The registry listens on no port')
    const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address
    return `${this.#scheme}://${shown}:${address.port}`
  }

  /** Waiting queries end with them. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Frees the port. */
  async close(): Promise<void> {
    this.dropConnections()
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }
}

function secure(listener: RequestListener, { cert, key }: ServerTls): Http2SecureServer {
  const settings = { maxConcurrentStreams }
  let server: Http2SecureServer
  try {
    server = createSecureServer({ cert, key, allowHTTP1: true, noDelay: true, settings })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`The registry cannot use its certificate and key: ${reason}`, { cause: error })
  }
  Object.assign(server, { keepAliveTimeout: keepAliveTimeoutMs })
  // Requests of HTTP/2 come in the shape of those of HTTP/1.1: https://nodejs.org/api/http2.html#compatibility-api
  server.on('request', listener as unknown as Parameters<Http2SecureServer['on']>[1])
  // Handshakes that fail, and connections that break, are their clients' matter.
  server.on('sessionError', () => {})
  return server
}
