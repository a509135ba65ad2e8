import { once } from 'node:events'
import { createServer, type IncomingMessage, request as ask, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/**
 * What becomes of an answer of Consul's. `crowded`: lists of instances have many more, all critical. `half-open`: neither an answer nor
 * an end of its connection, whatever happens later.
 */
export type RegistryMood = 'well' | 'leaderless' | 'too-many' | 'truncated' | 'trickling' | 'crowded' | 'half-open'

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

const byteMs = 500
export const crowd = 10_000

/** What is said at once, also to whoever waits for a change. */
const refusals: Readonly<Partial<Record<RegistryMood, Answer>>> = {
  leaderless: { status: 500, headers: {}, body: Buffer.from('No cluster leader') },
  'too-many': { status: 429, headers: {}, body: Buffer.from('Your IP is issuing too many concurrent connections') },
  truncated: {
    status: 200,
    headers: { 'content-type': 'application/json', 'x-consul-index': '7' },
    body: Buffer.from('[{"Node":{"Node":"consul-under-t'),
  },
}

/** Stands between the gateway and a Consul, and passes on what Consul says unless it is told otherwise. */
export class RegistryProxy {
  readonly #server: Server
  readonly #consulPort: number
  readonly #sockets = new Set<Socket>()
  /** Those that were open when it fell silent. */
  readonly #dead = new WeakSet<Socket>()
  /** Asked and not answered yet; and how to stop asking Consul. */
  readonly #waiting = new Map<ServerResponse, () => void>()
  readonly #trickles = new Map<ServerResponse, { readonly interval: NodeJS.Timeout; readonly flush: () => void }>()
  #mood: RegistryMood = 'well'
  #asked = 0

  private constructor(server: Server, consulPort: number) {
    this.#server = server
    this.#consulPort = consulPort
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#take(request, response))
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      if (this.#mood === 'half-open') this.#dead.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  static async start(port: number, consulPort: number): Promise<RegistryProxy> {
    const server = createServer({ requestTimeout: 0, keepAliveTimeout: 600_000 })
    const proxy = new RegistryProxy(server, consulPort)
    await once(server.listen(port, '127.0.0.1'), 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Requests so far. */
  get asked(): number {
    return this.#asked
  }

  become(mood: RegistryMood): void {
    this.#mood = mood
    if (mood === 'half-open') for (const socket of this.#sockets) this.#dead.add(socket)
    const refusal = refusals[mood]
    if (refusal !== undefined) {
      for (const [response, stop] of this.#waiting) {
        stop()
        this.#answer(response, refusal)
      }
    }
    if (mood === 'well') for (const { flush } of this.#trickles.values()) flush()
  }

  async close(): Promise<void> {
    for (const { interval } of this.#trickles.values()) clearInterval(interval)
    for (const stop of this.#waiting.values()) stop()
    const closed = once(this.#server.close(), 'close')
    this.#server.closeAllConnections()
    await closed
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    this.#asked++
    if (this.#dead.has(request.socket)) return
    const refusal = refusals[this.#mood]
    if (refusal !== undefined) return this.#answer(response, refusal)
    const { method = 'GET', url = '/', headers } = request
    const asking = ask({ port: this.#consulPort, host: '127.0.0.1', method, path: url, headers, agent: false })
    const stop = () => void asking.destroy()
    this.#waiting.set(response, stop)
    response.on('close', () => {
      this.#waiting.delete(response)
      stop()
    })
    // A registry that is gone is a connection that breaks.
    asking.on('error', () => {
      if (this.#waiting.has(response)) response.destroy()
    })
    asking.on('response', (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        if (this.#dead.has(request.socket)) return
        const { statusCode: status = 502, headers: fields } = answer
        const body = Buffer.concat(chunks)
        const isList = this.#mood === 'crowded' && url.startsWith('/v1/health/service/')
        this.#answer(response, { status, headers: fields, body: isList ? crowded(body) : body })
      })
    })
    asking.end()
  }

  #answer(response: ServerResponse, { status, headers, body }: Answer): void {
    this.#waiting.delete(response)
    const { 'transfer-encoding': _, connection: __, ...fields } = headers
    response.writeHead(status, { ...fields, 'content-length': body.length })
    if (this.#mood === 'trickling') this.#trickle(response, body)
    else response.end(body)
  }

  #trickle(response: ServerResponse, body: Buffer): void {
    let sent = 0
    const end = () => {
      clearInterval(interval)
      this.#trickles.delete(response)
    }
    const flush = () => {
      end()
      response.end(body.subarray(sent))
    }
    const interval = setInterval(() => {
      response.write(body.subarray(sent, sent + 1))
      if (++sent >= body.length) flush()
    }, byteMs)
    this.#trickles.set(response, { interval, flush })
    response.on('close', end)
  }
}

function crowded(list: Buffer): Buffer {
  const rows = JSON.parse(list.toString()) as object[]
  const more = Array.from({ length: crowd }, (_, i) => ({
    Node: { Node: 'crowd', Address: '127.0.0.1' },
    Service: { ID: `crowd-${i}`, Service: 'crowd', Address: '127.0.0.1', Port: 1 + i },
    Checks: [{ Node: 'crowd', CheckID: 'any', Status: 'critical', ServiceID: `crowd-${i}`, ServiceName: 'crowd' }],
  }))
  return Buffer.from(JSON.stringify([...rows, ...more]))
}
