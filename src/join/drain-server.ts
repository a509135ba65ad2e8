import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Drain } from './drain.ts'

/** Idle connections that finished with keep-alive before they could be told. */
const sweepMs = 100

/** Knows what is in flight at an HTTP server from now on, so that it can be drained without cutting anybody off. */
export class ServerDrain implements Drain {
  readonly #server: Server
  /** The newest answer of each connection: of pipelined requests only the last may be said to be it. */
  readonly #inFlight = new Map<Socket, ServerResponse>()
  /** Also those of which the server knows nothing any more: it has handed them over, to a WebSocket for example. */
  readonly #sockets = new Set<Socket>()
  #isDraining = false
  readonly #onConnection = (socket: Socket): void => {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }
  readonly #onRequest = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    if (this.#isDraining) return sayClose(response)
    this.#inFlight.set(socket, response)
    response.once('close', () => {
      if (this.#inFlight.get(socket) === response) this.#inFlight.delete(socket)
    })
  }

  constructor(server: Server) {
    this.#server = server
    server.prependListener('connection', this.#onConnection)
    server.prependListener('request', this.#onRequest)
  }

  /**
   * Stops accepting, tells clients to close their connection with the next answer, waits for what is in flight, and after
   * `deadlineMs` breaks off the rest. Resolves when the server is closed, at the latest after `deadlineMs`; one that was closed already
   * is fine.
   * @returns whether all was finished in time
   */
  drain(deadlineMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#isDraining = true
      for (const response of this.#inFlight.values()) sayClose(response)
      const end = (inTime: boolean): void => {
        clearTimeout(deadline)
        clearInterval(sweep)
        this.release()
        resolve(inTime)
      }
      const deadline = setTimeout(() => {
        this.#server.closeAllConnections()
        for (const socket of this.#sockets) socket.destroy()
        end(false)
      }, deadlineMs)
      const sweep = setInterval(() => this.#sweep(), sweepMs)
      this.#server.close(() => end(true))
    })
  }

  release(): void {
    this.#server.off('connection', this.#onConnection)
    this.#server.off('request', this.#onRequest)
    this.#inFlight.clear()
    this.#sockets.clear()
  }

  #sweep(): void {
    this.#server.closeIdleConnections()
    // To the server, one that has sent nothing yet is about to.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}

/** RFC 9112 section 9.6: this is the last answer of its connection. */
function sayClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}
