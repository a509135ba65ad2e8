import { Agent, type IncomingHttpHeaders, request } from 'node:http'

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The instance that answered; null when the gateway answered itself. */
  readonly instance: string | null
  /** Tells the data threads of a gateway apart; null when the gateway answered itself. */
  readonly thread: string | null
}

export interface HttpClientOptions {
  /** Kept open and used again; more requests at once wait for one of them. Default 1. */
  readonly connections?: number
  /** Default true; false: each request on a connection of its own. */
  readonly keepAlive?: boolean
}

/**
 * An HTTP client as they are in the wild: keeps connections open, and sends a GET again, once, when its kept connection was closed
 * before any byte came back (RFC 9112 section 9.3.1).
 */
export class HttpClient {
  readonly #port: number
  readonly #agent: Agent
  /** Requests sent again because a kept connection had just been closed. */
  resent = 0

  constructor(port: number, { connections = 1, keepAlive = true }: HttpClientOptions = {}) {
    this.#port = port
    this.#agent = new Agent({ keepAlive, maxSockets: connections })
  }

  /** Rejects when no whole answer comes. */
  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    try {
      return await this.#send('GET', path, { headers })
    } catch (error) {
      if (!(error instanceof ClosedUnderWay)) throw error
      this.resent++
      return this.#send('GET', path, { headers })
    }
  }

  /** The same, and never sent twice. */
  async post(path: string, body = ''): Promise<HttpAnswer> {
    return this.#send('POST', path, { body })
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Readonly<Record<string, string>>; body?: string },
  ): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: this.#port, path, method, headers, agent: this.#agent })
      let hasAnswer = false
      sent.on('error', (error: NodeJS.ErrnoException) => {
        const raced = sent.reusedSocket && !hasAnswer && ['ECONNRESET', 'EPIPE'].includes(error.code ?? '')
        reject(raced ? new ClosedUnderWay() : error)
      })
      sent.on('response', (response) => {
        hasAnswer = true
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
            instance: fieldOf(response.headers, 'x-instance'),
            thread: fieldOf(response.headers, 'x-data-thread'),
          })
        })
      })
      sent.end(body)
    })
  }
}

class ClosedUnderWay extends Error {}

function fieldOf(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name]
  return typeof value === 'string' ? value : null
}

/** How many answers came from each instance, those from none under their status. */
export function tally(answers: readonly HttpAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { instance, status } of answers) {
    const key = status === 200 && instance !== null ? instance : `${instance ?? 'gateway'} ${status}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}
