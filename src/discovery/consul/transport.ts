import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type Consul from 'consul'
import { maxAnswerBytes, tooLarge } from './wire.ts'

/** What papi passes to its `onRequest` extensions (https://github.com/silas/node-papi#client_extevent-callback). */
interface PapiRequest {
  readonly req: RequestOptions
  readonly ctx: QueryContext
  transport: { request(options: RequestOptions): ClientRequest }
}

export interface QueryContext {
  /** How long a query that waits for a change may take; null = it is answered at once, within papi's own `timeout`. */
  readonly waitsMs: number | null
}

interface PapiClient {
  _ext(event: 'onRequest', extension: (request: PapiRequest, next: () => void) => void): void
}

/**
 * Closes gaps of the HTTP client under the `consul` package: it waits for its timeout when a connection breaks in the middle of
 * an answer, keeps whatever it is sent in memory, takes the brackets of an IPv6 address for part of a name, and its timers keep the
 * process alive.
 */
export function guardAnswers(consul: Consul): void {
  if (!isPapiClient(consul)) throw new TypeError('The consul package is no longer built on papi')
  // oxlint-disable-next-line no-underscore-dangle -- papi's public name for it
  consul._ext('onRequest', (request, next) => {
    const { transport, ctx } = request
    const { hostname } = request.req
    if (hostname?.startsWith('[')) request.req.hostname = hostname.slice(1, -1)
    request.transport = {
      request: (options) => {
        const sent = transport.request(options)
        if (ctx.waitsMs !== null) waitAside(sent, ctx.waitsMs)
        return sent.on('response', (answer) => guard(answer, sent))
      },
    }
    next()
  })
}

function isPapiClient(client: object): client is PapiClient {
  return '_ext' in client
}

/** A program that has nothing to do but to hear of changes ends. */
function waitAside(sent: ClientRequest, timeoutMs: number): void {
  sent.on('socket', (socket) => socket.unref())
  // Instead of the agent's, which is for idle sockets.
  sent.setTimeout(timeoutMs)
  const timer = setTimeout(() => {
    sent.emit('timeout')
    sent.destroy()
  }, timeoutMs).unref()
  sent.on('close', () => clearTimeout(timer))
}

function guard(answer: IncomingMessage, sent: ClientRequest): void {
  let bytes = 0
  answer.on('error', (error) => sent.emit('error', error))
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) answer.destroy(tooLarge())
  })
}
