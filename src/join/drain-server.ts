import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Drain } from './drain.ts'

/** Idle connections that finished with keep-alive before they could be told. */
const sweepMs = 100

/** Knows what is in flight at an HTTP server from now on, so that it can be drained without cutting anybody off. */
export class ServerDrain implements Drain {
  readonly #server: Server
  readonly #inFlight = new Set<ServerResponse>()
  #isDraining = false
  readonly #onRequest = (_: IncomingMessage, response: ServerResponse): void => {
    if (this.#isDraining) return sayClose(response)
    this.#inFlight.add(response)
    response.once('close', () => this.#inFlight.delete(response))
  }

  constructor(server: Server) {
    this.#server = server
    server.prependListener('request', this.#onRequest)
  }

  /**
   * Stops accepting, tells clients to close their connection with the next answer, waits for what is in flight, and after
   * `deadlineMs` breaks off the rest. Resolves when the server is closed; one that was closed already is fine.
   * @returns whether all was finished in time
   */
  drain(deadlineMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      let inTime = true
      this.#isDraining = true
      for (const response of this.#inFlight) sayClose(response)
      const deadline = setTimeout(() => {
        inTime = false
        this.#server.closeAllConnections()
      }, deadlineMs)
      const sweep = setInterval(() => this.#server.closeIdleConnections(), sweepMs)
      this.#server.close(() => {
        clearTimeout(deadline)
        clearInterval(sweep)
        this.release()
        resolve(inTime)
      })
    })
  }

  release(): void {
    this.#server.off('request', this.#onRequest)
    this.#inFlight.clear()
  }
}

/** RFC 9112 section 9.6: this is the last answer of its connection. */
function sayClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}
