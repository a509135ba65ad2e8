import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** `ok`: 200; `error`: 500; `hang`: no answer ever; `gated`: no answer before `release`. */
export type InstanceMode = 'ok' | 'error' | 'hang' | 'gated'

export interface InstanceOptions {
  /** How long it takes to answer; default 0. */
  readonly latencyMs?: number
}

/** A real instance of a service, in this process. Its answers name it in `x-instance`; `/health` answers as `isHealthy` says. */
export class Instance {
  readonly id: string
  mode: InstanceMode = 'ok'
  isHealthy = true
  /** Requests it received, health checks left out. */
  requests = 0
  /** When the latest of them came, as `performance.now()` has it. */
  latestMs = -Infinity
  readonly #latencyMs: number
  readonly #held: { readonly request: IncomingMessage; readonly response: ServerResponse }[] = []
  #server: Server | null = null
  #port = 0
  #arrived = Promise.withResolvers<void>()

  private constructor(id: string, { latencyMs = 0 }: InstanceOptions) {
    this.id = id
    this.#latencyMs = latencyMs
  }

  static async start(id: string, options: InstanceOptions = {}): Promise<Instance> {
    const instance = new Instance(id, options)
    await instance.accept()
    return instance
  }

  get port(): number {
    return this.#port
  }

  /** Requests that wait for `release`. */
  get held(): number {
    return this.#held.length
  }

  /** Resolves when it has received that many requests in all. */
  async received(count: number): Promise<void> {
    while (this.requests < count) await this.#arrived.promise
  }

  /** Answers the requests that wait longest. */
  release(count = this.#held.length): void {
    for (const { request, response } of this.#held.splice(0, count)) this.#answer(request, response, 200)
  }

  /** Closes its port with all connections: from now on the system refuses connections for it. */
  async refuse(): Promise<void> {
    const server = this.#server
    if (server === null) return
    this.#server = null
    this.#held.length = 0
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  /** Opens the port it had. */
  async accept(): Promise<void> {
    const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => this.#serve(request, response))
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  async close(): Promise<void> {
    await this.refuse()
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    request.resume()
    if (request.url === '/health') {
      response.writeHead(this.isHealthy ? 200 : 503).end()
      return
    }
    this.requests++
    this.latestMs = performance.now()
    this.#arrived.resolve()
    this.#arrived = Promise.withResolvers()
    if (this.mode === 'hang') return
    if (this.mode === 'gated') {
      this.#held.push({ request, response })
      return
    }
    const status = this.mode === 'error' ? 500 : 200
    if (this.#latencyMs === 0) this.#answer(request, response, status)
    else setTimeout(() => this.#answer(request, response, status), this.#latencyMs)
  }

  #answer(request: IncomingMessage, response: ServerResponse, status: number): void {
    // The gateway makes these ids, each data thread with a prefix of its own.
    const thread = String(request.headers['x-request-id']).split('-', 1)[0] ?? ''
    response.writeHead(status, { 'x-instance': this.id, 'x-data-thread': thread })
    response.end(`${this.id} ${request.url}`)
  }
}

/** Instances named after `service`, counted from 1. */
export async function startInstances(
  service: string,
  count: number,
  options: InstanceOptions = {},
): Promise<[Instance, ...Instance[]]> {
  const starting = Array.from({ length: count }, (_, index) => Instance.start(`${service}-${index + 1}`, options))
  return (await Promise.all(starting)) as [Instance, ...Instance[]]
}
