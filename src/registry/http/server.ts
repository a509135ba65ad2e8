import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { queryLinesProtocol } from '../../core/query-lines.ts'

/** PEM. */
export interface ServerTls {
  readonly cert: string
  readonly key: string
}

/** Keep-alive outlasts the pauses of clients that keep connections, which would otherwise race with our closing them. */
const keepAliveTimeoutMs = 2 * 60_000
/** Of one connection, as in Go's server. */
const maxConcurrentStreams = 250

export interface ApiListeners {
  readonly onRequest: RequestListener
  /** A connection that is for queries from here on, see `core/query-lines`. */
  readonly onQueryLines: (stream: Duplex) => void
  /** Whether who asks for that may have it; who may not hears why as from any request. */
  readonly admits: (request: IncomingMessage) => boolean
}

/** HTTP/1.1; with TLS also HTTP/2, as ALPN says, where Consul does so, too. */
export class ApiServer {
  readonly #server: Server | Http2SecureServer
  readonly #sockets = new Set<Socket>()
  readonly #scheme: 'http' | 'https'

  constructor(listeners: ApiListeners, tls: ServerTls | null) {
    this.#scheme = tls === null ? 'http' : 'https'
    this.#server = tls === null ? plain(listeners) : secure(listeners, tls)
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

const switching = [
  'HTTP/1.1 101 Switching Protocols',
  'Connection: Upgrade',
  `Upgrade: ${queryLinesProtocol}`,
  `${queryLinesProtocol}: 1`,
]

function asksForLines({ method, headers }: IncomingMessage): boolean {
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  return method === 'GET' && !hasBody && headers.upgrade === queryLinesProtocol
}

function plain({ onRequest, onQueryLines, admits }: ApiListeners): Server {
  const options = {
    keepAliveTimeout: keepAliveTimeoutMs,
    // What else somebody would rather speak is answered as if it had not been said: RFC 9110 section 7.8.
    shouldUpgradeCallback: (request: IncomingMessage) => asksForLines(request) && admits(request),
  }
  const server = createServer(options, onRequest)
  // Node before 24.9 would hand over whatever has an Upgrade.
  if (!('shouldUpgradeCallback' in server)) return server
  server.on('upgrade', (_, socket, head) => {
    socket.write(`${switching.join('\r\n')}\r\n\r\n`)
    if (head.length > 0) socket.unshift(head)
    // Clients say that they are there.
    ;(socket as Socket).setTimeout(keepAliveTimeoutMs, () => socket.destroy())
    onQueryLines(socket)
  })
  return server
}

function secure({ onRequest, onQueryLines, admits }: ApiListeners, { cert, key }: ServerTls): Http2SecureServer {
  const settings = { maxConcurrentStreams, enableConnectProtocol: true }
  let server: Http2SecureServer
  try {
    server = createSecureServer({ cert, key, allowHTTP1: true, noDelay: true, settings })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`The registry cannot use its certificate and key: ${reason}`, { cause: error })
  }
  Object.assign(server, { keepAliveTimeout: keepAliveTimeoutMs })
  // Requests of HTTP/2 come in the shape of those of HTTP/1.1: https://nodejs.org/api/http2.html#compatibility-api
  server.on('request', onRequest as unknown as Parameters<Http2SecureServer['on']>[1])
  server.on('connect', (request: Http2ServerRequest, answer: Http2ServerResponse | Socket) => {
    // HTTP/1.1's: we are no proxy.
    if (!('stream' in answer)) return answer.destroy()
    const { stream } = answer
    if (request.headers[':protocol'] !== queryLinesProtocol)
      return stream.respond({ ':status': 501 }, { endStream: true })
    if (!admits(request as unknown as IncomingMessage)) return stream.respond({ ':status': 403 }, { endStream: true })
    stream.respond({ ':status': 200, [queryLinesProtocol]: '1' })
    stream.setTimeout(keepAliveTimeoutMs, () => stream.session?.destroy())
    onQueryLines(stream)
  })
  // Handshakes that fail, and connections that break, are their clients' matter.
  server.on('sessionError', () => {})
  return server
}
